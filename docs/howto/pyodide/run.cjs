// The program in Node, which stands in for a browser here.
//
//     npm install pyodide
//     pip install --target packages .
//     node docs/howto/pyodide/run.cjs http://127.0.0.1:7860 packages
//
// In a page, `await pyodide.loadPackage("micropip")` and `micropip.install()` of the wheel do what the mounts do.

const { loadPyodide } = require("pyodide");

async function main(url, packages) {
  const pyodide = await loadPyodide();
  pyodide.mountNodeFS("/packages", packages);
  pyodide.mountNodeFS("/program", __dirname);
  pyodide.runPython('import sys; sys.path += ["/packages", "/program"]');
  await pyodide.pyimport("program").main(url);
}

// Node waits for timers, and Pyodide's loop never takes one back: so it is told to end.
main(...process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
