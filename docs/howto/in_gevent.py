"""gevent: the blocking client in greenlets. Take it where a program is patched by gevent already.

Patched before anything else is imported, the client's locks, sockets, selector and its one thread are gevent's. So a
call makes its greenlet wait, and no other.
"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

import gevent  # noqa: E402

from gradio_proto import Client  # noqa: E402


def main(url: str) -> None:
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            gevent.sleep(0.01)

    def greet(name: str) -> None:
        print(client.predict(name, api_name="/greet"))

    with Client(url) as client:
        ticker = gevent.spawn(tick)
        greet("Ada")
        print("another greenlet ran meanwhile:", ticks > 1)

        # One client for all greenlets: their jobs share one connection for what the app has to say.
        gevent.joinall([gevent.spawn(greet, "Grace") for _ in range(5)], raise_error=True)

        job = client.submit(3, api_name="/count")
        for number in job:
            print(number)
        ticker.kill()


if __name__ == "__main__":
    main(sys.argv[1])
