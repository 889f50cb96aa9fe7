package remote

import (
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// Frame is one frame as Config.Dump is shown it.
type Frame struct {
	Peer    string // address of the other node
	Written bool   // by this node; else read
	Lane    string // "control", or "user" and the lane's index
	Kind    string // as docs/wire.md names it
	Bytes   int    // of its body
	// Text returns what the body says, in protobuf's text format; payloads are
	// cut to 64 bytes. It must be called before Dump returns.
	Text func() string
}

// dump shows a frame to the configured hook.
func (r *Remote) dump(peer string, written bool, kind remotepb.Lane, index uint32, k wire.Kind, body []byte) {
	if r.cfg.Dump == nil {
		return
	}
	r.cfg.Dump(Frame{
		Peer: peer, Written: written, Lane: laneName(kind, index), Kind: k.String(), Bytes: len(body),
		Text: func() string { return wire.Describe(k, body) },
	})
}

// dumpWritten shows frames that are about to be written: a fragment's data may
// be in a buffer of its own.
func (r *Remote) dumpWritten(l *lane, bufs [][]byte) {
	var all []byte
	for _, b := range bufs {
		all = append(all, b...)
	}
	for len(all) > 0 {
		k, body, rest, ok := wire.CutFrame(all)
		if !ok {
			return // the rest of a frame that was begun before
		}
		r.dump(l.p.address, true, l.kind, l.index, k, body)
		all = rest
	}
}
