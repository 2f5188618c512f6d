package runtime

import (
	"encoding/binary"
	"maps"

	"github.com/tetratelabs/wazero/sys"
)

// Error numbers of WASI preview 1.
const (
	errnoSuccess = 0
	errnoBadf    = 8
	errnoInval   = 28
	errnoNosys   = 52
	errnoSpipe   = 70
)

// What one call of fd_write or poll_oneoff looks at.
const (
	maxVectors       = 1024
	maxWrite         = 64 << 10 // bytes; the rest is for the next call
	maxSubscriptions = 1024
)

// wasiDoor is WASI preview 1 without a world: no arguments, no environment, no
// files, no sockets. Standard output and error go to the call's log, time and
// random numbers come from the call. It keeps nothing, so an instance carries
// nothing from one call to the next.
var wasiDoor = door{module: "wasi_snapshot_preview1", functions: wasiFunctions()}

func wasiFunctions() map[string]function {
	all := map[string]function{
		"args_sizes_get":    fn("ii:i", wasiNone),
		"args_get":          fn("ii:i", answers(errnoSuccess)),
		"environ_sizes_get": fn("ii:i", wasiNone),
		"environ_get":       fn("ii:i", answers(errnoSuccess)),

		"clock_res_get":  fn("ii:i", wasiClockRes),
		"clock_time_get": fn("iIi:i", wasiClockTime),
		"poll_oneoff":    fn("iiii:i", wasiPoll),
		"sched_yield":    fn(":i", answers(errnoSuccess)),
		"random_get":     fn("ii:i", wasiRandom),
		"proc_exit":      fn("i", wasiExit),
		"proc_raise":     fn("i:i", answers(errnoNosys)),

		"fd_write":      fn("iiii:i", wasiWrite),
		"fd_read":       fn("iiii:i", wasiRead),
		"fd_fdstat_get": fn("ii:i", wasiFdstat),
		"fd_close":      fn("i:i", stdio(errnoSuccess)),
		"fd_seek":       fn("iIii:i", stdio(errnoSpipe)),
		"fd_tell":       fn("ii:i", stdio(errnoSpipe)),
	}
	// Nothing else can be opened, so nothing else is there to work on.
	maps.Copy(all, closed(errnoBadf, map[string]string{
		"fd_advise": "iIIi:i", "fd_allocate": "iII:i", "fd_datasync": "i:i", "fd_fdstat_set_flags": "ii:i",
		"fd_fdstat_set_rights": "iII:i", "fd_filestat_get": "ii:i", "fd_filestat_set_size": "iI:i",
		"fd_filestat_set_times": "iIIi:i", "fd_pread": "iiiIi:i", "fd_prestat_get": "ii:i", "fd_prestat_dir_name": "iii:i",
		"fd_pwrite": "iiiIi:i", "fd_readdir": "iiiIi:i", "fd_renumber": "ii:i", "fd_sync": "i:i",
		"path_create_directory": "iii:i", "path_filestat_get": "iiiii:i", "path_filestat_set_times": "iiiiIIi:i",
		"path_link": "iiiiiii:i", "path_open": "iiiiiIIii:i", "path_readlink": "iiiiii:i", "path_remove_directory": "iii:i",
		"path_rename": "iiiiii:i", "path_symlink": "iiiii:i", "path_unlink_file": "iii:i",
	}))
	maps.Copy(all, closed(errnoNosys, map[string]string{
		"sock_accept": "iii:i", "sock_recv": "iiiiii:i", "sock_send": "iiiii:i", "sock_shutdown": "ii:i",
	}))
	return all
}

// closed makes functions that answer one error number whatever is asked.
func closed(errno uint64, signatures map[string]string) map[string]function {
	functions := map[string]function{}
	for name, signature := range signatures {
		functions[name] = fn(signature, answers(errno))
	}
	return functions
}

func answers(errno uint64) func(guest, []uint64) {
	return func(_ guest, s []uint64) { s[0] = errno }
}

// stdio answers for the descriptors 0 to 2, the only ones there are.
func stdio(errno uint64) func(guest, []uint64) {
	return func(_ guest, s []uint64) {
		if uint32(s[0]) > 2 {
			s[0] = errnoBadf
			return
		}
		s[0] = errno
	}
}

func (g guest) putU32(what string, ptr, v uint32) {
	binary.LittleEndian.PutUint32(g.view(what, ptr, 4), v)
}

func (g guest) putU64(what string, ptr uint32, v uint64) {
	binary.LittleEndian.PutUint64(g.view(what, ptr, 8), v)
}

// wasiNone answers that there are no arguments or variables.
func wasiNone(g guest, s []uint64) {
	g.putU32("sizes_get", uint32(s[0]), 0)
	g.putU32("sizes_get", uint32(s[1]), 0)
	s[0] = errnoSuccess
}

// wasiExit ends the call: there is no process to end.
func wasiExit(g guest, s []uint64) {
	code := uint32(s[0])
	g.exit = &code
	panic(sys.NewExitError(code))
}

// wasiWrite prints to the log. It takes a part of a large write, as write(2)
// may, so that no call of it is long.
func wasiWrite(g guest, s []uint64) {
	fd, vectors, n, result := uint32(s[0]), uint32(s[1]), uint32(s[2]), uint32(s[3])
	switch {
	case fd != 1 && fd != 2:
		s[0] = errnoBadf
		return
	case n > maxVectors:
		s[0] = errnoInval
		return
	}
	list := g.view("fd_write", vectors, n*8)
	var written uint32
	for ; len(list) > 0 && written < maxWrite; list = list[8:] {
		ptr, length := binary.LittleEndian.Uint32(list), binary.LittleEndian.Uint32(list[4:])
		b := g.view("fd_write", ptr, length)
		b = b[:min(length, maxWrite-written)]
		g.log.print(fd, b)
		written += uint32(len(b))
	}
	g.putU32("fd_write", result, written)
	s[0] = errnoSuccess
}

// wasiRead answers that standard input has ended.
func wasiRead(g guest, s []uint64) {
	if uint32(s[0]) != 0 {
		s[0] = errnoBadf
		return
	}
	g.putU32("fd_read", uint32(s[3]), 0)
	s[0] = errnoSuccess
}

// wasiFdstat describes the three standard descriptors as character devices.
func wasiFdstat(g guest, s []uint64) {
	const characterDevice, rightRead, rightWrite = 2, 1 << 1, 1 << 6
	fd := uint32(s[0])
	if fd > 2 {
		s[0] = errnoBadf
		return
	}
	stat := g.view("fd_fdstat_get", uint32(s[1]), 24)
	clear(stat)
	stat[0] = characterDevice
	rights := uint64(rightWrite)
	if fd == 0 {
		rights = rightRead
	}
	binary.LittleEndian.PutUint64(stat[8:], rights)
	s[0] = errnoSuccess
}
