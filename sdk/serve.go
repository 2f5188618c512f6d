package sdk

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/carrel-dev/carrel/core/abi"
)

// exchange takes one invocation from the host and gives it the answer.
func exchange() {
	current = nil
	input, _ := perform(abi.OpInput)
	serve(input.read()).output()
}

// reply is an abi.Response on its way out: JSON around a body that may still be
// with the host.
type reply struct {
	head []byte
	body *response
}

// output hands the reply to the host. Nothing of a body that the host has goes
// through the guest.
func (r reply) output() {
	if r.body == nil {
		hostWrite(r.head)
	} else {
		settle()
		hostWrite(append(r.head, `,"body":`...))
		r.body.send()
		hostWrite([]byte{'}'})
	}
	hostCall(abi.OpOutput)
}

// serve answers one invocation: it finds the handler and calls it. A panic of
// the handler is not caught: it traps, which the host reports with the panic's
// first line, and drops the unit of work. The stack is in the call's log.
func serve(input []byte) reply {
	c := new(Ctx)
	if !c.decode(input) {
		return refusal(&abi.Error{Kind: kindInternal, Message: "The invocation cannot be read."})
	}
	h, ok := declared().handlers[c.invocation.Handler]
	if !ok {
		return refusal(&abi.Error{Kind: kindInternal, Message: "The plugin has no handler " + strconv.Quote(c.invocation.Handler) + "."})
	}
	body, err := h.call(c)
	if err != nil {
		failure, known := errors.AsType[*abi.Error](err)
		if !known {
			c.Log(Error, "handler failed", "handler", h.name, "error", err.Error())
			failure = &abi.Error{Kind: kindInternal, Message: "The plugin failed; the invocation's log says why."}
		}
		return refusal(failure)
	}
	return c.reply(body)
}

func refusal(failure *abi.Error) reply {
	encoded, _ := json.Marshal(abi.Response{Error: failure}) // strings only: cannot fail
	return reply{head: encoded}
}

// reply begins an abi.Response; its body, JSON already, is not read once more.
func (c *Ctx) reply(body *response) reply {
	head := append(make([]byte, 0, 128), `{"status":`...)
	head = strconv.AppendInt(head, int64(c.status), 10)
	if c.bytes != nil {
		return reply{head: c.appendBytes(head)}
	}
	if c.headers != nil {
		headers, _ := json.Marshal(c.headers)
		head = append(append(head, `,"headers":`...), headers...)
	}
	if body == nil || body.size == 0 {
		return reply{head: append(head, '}')}
	}
	return reply{head, body}
}
