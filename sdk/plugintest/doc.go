// Package plugintest helps a plugin's tests: it builds the plugin as it will be
// published, reads the manifest inside, and compares it with the one that was
// agreed.
//
// It runs the carrel command, so that a test needs neither a server nor an
// account, and the plugin's module depends on nothing of the host: the binary
// that CARREL names, or the one in the PATH. It imports core/abi and must never
// import the engine.
//
// Start with build.go.
package plugintest
