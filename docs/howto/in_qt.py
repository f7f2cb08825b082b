"""Qt: the client in Qt's event loop, on its thread, so that a callback may touch widgets.

Here with PySide6; PyQt6 has the same classes. The loop watches one descriptor for all of a client's connections, and
has one timer.
"""

from __future__ import annotations

import math
import sys

from gradio_transports.embedded import EmbeddedTransport
from PySide6.QtCore import QCoreApplication, QSocketNotifier, QTimer

from gradio_proto import Client, Job
from gradio_proto.transport import TransportOptions


class QtTransport(EmbeddedTransport):
    def __init__(self, options: TransportOptions) -> None:
        super().__init__(options)
        self._notifier = QSocketNotifier(self.fileno(), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(self._take_turn)
        self._timer = QTimer(singleShot=True)
        self._timer.timeout.connect(self._take_turn)

    def _take_turn(self) -> None:
        seconds = self.turn()
        if seconds is None:
            self._timer.stop()
        else:
            self._timer.start(math.ceil(1000 * seconds))

    def close(self) -> None:
        self._notifier.setEnabled(False)
        self._timer.stop()
        super().close()


def main(url: str) -> None:
    application = QCoreApplication(sys.argv)
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    def greeted(job: Job) -> None:
        print(job.result())  # it is there; the error of a job that failed is raised
        print("the loop went on meanwhile:", ticks > 1)
        application.quit()

    ticker = QTimer(interval=10)
    ticker.timeout.connect(tick)
    ticker.start()
    with Client(url, transport=QtTransport) as client:
        client.submit("Ada", api_name="/greet").add_done_callback(greeted)
        application.exec()


if __name__ == "__main__":
    main(sys.argv[1])
