package machine

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/carrel-dev/carrel/bench/report"
)

// Processors adds up what the machine's processors did while they were watched.
type Processors struct{ busy, all float64 }

// Watch waits, and sees what the processors do meanwhile. Where the system does
// not tell, they do nothing.
func (p *Processors) Watch(during time.Duration) {
	busy, all := processorTime()
	time.Sleep(during)
	busyThen, allThen := processorTime()
	p.busy, p.all = p.busy+busyThen-busy, p.all+allThen-all
}

// Used is how much of the time they were busy, from 0 to 1.
func (p *Processors) Used() float64 { return p.busy / max(p.all, 1) }

// Used is the processor time this process has used, in seconds.
func Used() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

// processorTime is the time all processors were busy since the machine started,
// and all the time there was, in ticks.
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

// Quiet is what others may use of a machine that is measured on, in percent.
const Quiet = 5

// Figure says what others used while nothing was measured.
func (p *Processors) Figure() report.Figure {
	return report.Figure{Name: "processors in use while nothing was asked", Value: 100 * p.Used(), Unit: "%", Most: Quiet}
}
