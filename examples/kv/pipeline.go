package main

import (
	"errors"
	"sync"

	"github.com/pando-go/pando/examples/kv/internal/resp"
	"github.com/pando-go/pando/examples/kv/kvpb"
)

// pipeline is commands on keys that came together. Those for one slot are one
// message; the slots work at the same time, the replies keep the order of the
// commands.
type pipeline struct {
	batches []*batch
	parts   []part // in the order of the commands
	bytes   int    // of all words
}

// lineBytes is when a pipeline is carried out before more is added to it: what it
// changes in a slot is one entry of a log, which has its limit.
const lineBytes = 1 << 20

// full tells that a command is to wait for those before it.
func (p *pipeline) full(args [][]byte) bool {
	return len(p.parts) > 0 && p.bytes+size(args) > lineBytes
}

func size(args [][]byte) (n int) {
	for _, a := range args {
		n += len(a)
	}
	return n
}

// batch is the commands of a pipeline for one slot.
type batch struct {
	slot    uint16
	msg     *kvpb.Batch
	answers *kvpb.Answers
	fault   string // in place of answers
	taken   int    // replies written so far
}

// part is where the reply of one command comes from: the next one of a batch, or
// an error.
type part struct {
	batch *batch
	fault string
}

func (p *pipeline) fail(text string) { p.parts = append(p.parts, part{fault: text}) }

func (p *pipeline) add(slot uint16, args [][]byte, resp3 bool) {
	p.bytes += size(args)
	b := p.batch(slot, resp3)
	b.msg.Words = append(b.msg.Words, args...)
	b.msg.Lengths = append(b.msg.Lengths, uint32(len(args)))
	p.parts = append(p.parts, part{batch: b})
}

func (p *pipeline) batch(slot uint16, resp3 bool) *batch {
	for _, b := range p.batches {
		if b.slot == slot && b.msg.Resp3 == resp3 {
			return b
		}
	}
	b := &batch{slot: slot, msg: &kvpb.Batch{Resp3: resp3}}
	p.batches = append(p.batches, b)
	return b
}

// run carries out all batches and waits for them.
func (p *pipeline) run(to backend) {
	var others sync.WaitGroup
	for i, b := range p.batches {
		if i == len(p.batches)-1 {
			b.run(to)
			break
		}
		others.Go(func() { b.run(to) })
	}
	others.Wait()
}

func (b *batch) run(to backend) {
	answer, err := to.ask(b.slot, b.msg)
	answers, ok := answer.(*kvpb.Answers)
	switch {
	case err != nil:
		b.fault = faultOf(err)
	case !ok || len(answers.GetEnds()) != len(b.msg.GetLengths()) && !answers.GetAborted():
		b.fault = "ERR the slot's answer does not fit the question"
	default:
		b.answers = answers
	}
}

// faultOf is what a client is told of an error of the backend.
func faultOf(err error) string {
	switch {
	case errors.Is(err, errNotServed):
		return errNotCovered
	case errors.Is(err, errTooBig):
		return errTooLarge
	}
	return errOutcome
}

// write writes the replies in the order of the commands.
func (p *pipeline) write(w *resp.Writer) {
	for _, part := range p.parts {
		switch b := part.batch; {
		case b == nil:
			w.Error(part.fault)
		case b.fault != "":
			w.Error(b.fault)
		default:
			w.Raw(b.next())
		}
	}
}

// next is the reply of the batch's next command.
func (b *batch) next() []byte {
	from := uint32(0)
	if b.taken > 0 {
		from = b.answers.Ends[b.taken-1]
	}
	to := b.answers.Ends[b.taken]
	b.taken++
	if to < from || int(to) > len(b.answers.Replies) {
		return []byte("-ERR the slot's answer does not fit the question\r\n")
	}
	return b.answers.Replies[from:to]
}

func (p *pipeline) reset() {
	clear(p.batches)
	clear(p.parts)
	p.batches, p.parts, p.bytes = p.batches[:0], p.parts[:0], 0
}
