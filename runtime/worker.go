package runtime

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// A worker is the child process that ingests one module: a stranger's bytes
// meet a decoder, a compiler and their own start code there, and take at most
// that process with them. It is this same program, started under another name,
// fed by its standard input, and answering in frames on its standard output.
const (
	workerName   = "carrel-ingest"
	workerMemory = 512 << 20 // bytes of data the process may have
)

// workerTime is the processor time a worker may take: for small modules what
// refusing one may cost, and more for large ones, which honestly take longer to
// compile. On a busy machine it lasts longer; patience says how much.
func workerTime(size int) time.Duration {
	return 10*time.Second + 2*time.Duration(size>>20)*time.Second
}

// patience is how many times its processor time a worker may last.
const patience = 6

// Kinds of frames. A frame is its kind, the length of its payload in four
// bytes, and the payload.
const (
	frameStage    = 's' // what is being done
	frameRefused  = 'r' // the message for the author; the end
	frameFailed   = 'f' // what went wrong on our side; the end
	frameArtifact = 'a' // an artifact; the end
)

// init turns a process that was started as a worker into one. It is here, not
// in a main function, because every program with an engine is its engine's
// worker, and one that forgot to ask would start itself over and over.
func init() {
	if len(os.Args) == 1 && os.Args[0] == workerName {
		work(os.Stdin, os.Stdout)
		os.Exit(0)
	}
}

// work is a worker's life.
func work(in io.Reader, out io.Writer) {
	send := func(kind byte, payload []byte) {
		head := binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(payload)))
		if _, err := out.Write(append(head, payload...)); err != nil {
			os.Exit(1) // nobody is listening any more
		}
	}
	input, err := io.ReadAll(in)
	if err != nil {
		send(frameFailed, []byte(err.Error()))
		return
	}
	head, module, _ := bytes.Cut(input, []byte("\n"))
	var options workerOptions
	if err := json.Unmarshal(head, &options); err != nil {
		send(frameFailed, []byte(err.Error()))
		return
	}
	if err := confine(workerTime(len(module))); err != nil {
		send(frameFailed, []byte("the worker cannot be confined: "+err.Error()))
		return
	}
	// Collect in time to stay below the limit.
	debug.SetMemoryLimit(workerMemory * 3 / 4)

	g := ingestion{options: options, say: func(stage string) { send(frameStage, []byte(stage)) }}
	a, err := g.run(context.Background(), module)
	if err != nil {
		if core.KindOf(err) == core.Invalid {
			send(frameRefused, []byte(core.MessageOf(err)))
		} else {
			send(frameFailed, []byte(err.Error()))
		}
		return
	}
	encoded, err := a.encode()
	if err != nil {
		send(frameFailed, []byte(err.Error()))
		return
	}
	send(frameArtifact, encoded)
}

// runWorker ingests a module in a child process. A module that is refused, or
// that the worker does not survive, gives an error of kind Invalid with a
// message for its author.
func runWorker(ctx context.Context, options workerOptions, module []byte, say func(stage string)) (*artifact, error) {
	const op = "runtime.Ingest"
	head, err := json.Marshal(options)
	if err != nil {
		return nil, core.Wrap(op, core.Internal, err)
	}
	limit := workerTime(len(module))
	ctx, cancel := context.WithTimeout(ctx, patience*limit)
	defer cancel()
	var said lastWords
	cmd := exec.CommandContext(ctx, executable())
	cmd.Args = []string{workerName}
	// Its files are ours to remove: it may not live to do it.
	dir, err := os.MkdirTemp("", workerName+"-")
	if err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cmd.Env = []string{"TMPDIR=" + dir} // nothing of ours is the child's business
	cmd.Stdin = io.MultiReader(bytes.NewReader(append(head, '\n')), bytes.NewReader(module))
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, core.Wrap(op, core.Unavailable, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, &core.Error{Op: op, Kind: core.Unavailable, Msg: "The process that checks modules cannot be started.", Err: err}
	}
	stage := "starting the worker"
	kind, payload, err := answerOf(out, func(s string) { stage = s; say(s) })
	if err != nil {
		_ = cmd.Process.Kill() // it says nothing sensible any more
	}
	died := cmd.Wait()
	switch {
	case err == nil && kind == frameArtifact:
		a, err := decodeArtifact(payload)
		return a, core.Wrap(op, core.Internal, err)
	case err == nil && kind == frameRefused:
		return nil, core.E(op, core.Invalid, "%s", cut(string(payload[:min(len(payload), 2*maxRefusal)]), maxRefusal))
	case err == nil:
		return nil, &core.Error{Op: op, Kind: core.Unavailable, Msg: "The module could not be checked. Try again.", Err: errors.New(string(payload))}
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, core.Wrap(op, core.Timeout, ctx.Err())
	}
	why := "the process that did it died"
	killed, outOfTime := wasKilled(died, limit)
	switch {
	case killed && !outOfTime && ctx.Err() == nil:
		return nil, &core.Error{Op: op, Kind: core.Unavailable, Msg: fmt.Sprintf("The process that checks modules was killed while %s. Try again.", stage), Err: errors.Join(died, err)}
	case ctx.Err() != nil || outOfTime:
		why = fmt.Sprintf("it took more than the %s of processor time a module of this size may take", limit)
	case bytes.Contains(said.bytes, []byte("out of memory")) || bytes.Contains(said.bytes, []byte("cannot allocate memory")):
		why = fmt.Sprintf("it needed more than %s of memory", bytesText(workerMemory))
	}
	return nil, &core.Error{Op: op, Kind: core.Invalid,
		Msg: fmt.Sprintf("The module was refused while %s: %s.", stage, why),
		Err: errors.Join(died, err, errors.New(said.firstLine()))}
}

// answerOf reads a worker's frames up to the last one.
func answerOf(in io.Reader, say func(string)) (kind byte, payload []byte, err error) {
	var head [5]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return 0, nil, err
		}
		payload := make([]byte, 0, 512)
		size := int64(binary.LittleEndian.Uint32(head[1:]))
		if size > maxArtifact {
			return 0, nil, errArtifact
		}
		buffer := bytes.NewBuffer(payload)
		buffer.Grow(int(size))
		if _, err := io.CopyN(buffer, in, size); err != nil {
			return 0, nil, err
		}
		if head[0] != frameStage {
			return head[0], buffer.Bytes(), nil
		}
		say(buffer.String())
	}
}

// What a worker may answer, in bytes: an artifact, and the words of a refusal,
// which quote the module.
const (
	maxArtifact = 1 << 30
	maxRefusal  = 2000
)

// lastWords keeps the beginning of what a process says before it dies.
type lastWords struct{ bytes []byte }

// Write implements io.Writer.
func (w *lastWords) Write(b []byte) (int, error) {
	if room := 4096 - len(w.bytes); room > 0 {
		w.bytes = append(w.bytes, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

func (w *lastWords) firstLine() string { return firstLine(string(w.bytes)) }
