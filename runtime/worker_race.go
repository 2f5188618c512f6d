//go:build race

package runtime

// raceMemory is what the race detector's shadow of a worker's memory takes.
const raceMemory = 8 << 30
