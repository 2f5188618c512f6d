package main

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// processors adds up what the machine's processors did while they were watched.
type processors struct{ busy, all float64 }

// watch waits, and sees what the processors do meanwhile. Where the system does
// not tell, they do nothing.
func (p *processors) watch(during time.Duration) {
	busy, all := processorTime()
	time.Sleep(during)
	busyThen, allThen := processorTime()
	p.busy, p.all = p.busy+busyThen-busy, p.all+allThen-all
}

// used is how much of the time they were busy, from 0 to 1.
func (p *processors) used() float64 { return p.busy / max(p.all, 1) }

// processorTime is the time all processors were busy since the machine started,
// and all the time there was, in an unknown unit.
func processorTime() (busy, all float64) {
	stat, _ := os.ReadFile("/proc/stat")
	first, _, _ := bytes.Cut(stat, []byte("\n"))
	for i, field := range strings.Fields(strings.TrimPrefix(string(first), "cpu ")) {
		n, _ := strconv.ParseFloat(field, 64)
		if i >= 8 { // guests' time is in user time already
			break
		}
		if all += n; i != 3 && i != 4 { // idle, and idle while a disk works
			busy += n
		}
	}
	return busy, all
}
