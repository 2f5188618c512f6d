//go:build !race

package runtime

// raceMemory is nothing without the race detector.
const raceMemory = 0
