package sharding

import (
	"strconv"
	"strings"
	"unicode/utf8"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/cespare/xxhash/v2"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sharding/internal/homes"
)

const (
	// entityPrefix begins the id under which a node passes a message on:
	//
	//	$entity/HOPS/EPOCH/ORIGIN//KIND/ID/
	//
	// HOPS counts the nodes that it has come to, EPOCH is that under which its
	// last sender thinks that the slot is held, ORIGIN tells who sent it first,
	// both in hex. What follows the double slash is always the same for an
	// entity: by that, package remote chooses the connection, so that all that
	// one node sends another for it stays in order. The last slash keeps an id that ends in #123 from looking
	// like one that is meant for an incarnation.
	entityPrefix = "$entity/"

	maxHops = 3   // between nodes; after the last one a message waits
	maxKind = 128 // bytes in a kind's name
	maxID   = 512 // bytes in an entity's id
)

// target is what an id under entityPrefix, or an entity ref, says.
type target struct {
	kind, id string
	hops     int
	epoch    homes.Epoch // 0 from this node
	origin   uint32      // see originOf; 0 from this node
}

// parse splits a PID; false if it names no entity.
func parse(pid *pa.PID) (t target, ok bool) {
	text := pid.Id
	if pid.Address != actor.EntityAddress {
		rest, inbound := strings.CutPrefix(text, entityPrefix)
		var hops, epoch, origin uint64
		ok = inbound && cutHex(&rest, &hops, 8) && cutHex(&rest, &epoch, 64) && cutHex(&rest, &origin, 32)
		rest, slash := strings.CutPrefix(rest, "/")
		if text, inbound = strings.CutSuffix(rest, "/"); !ok || !slash || !inbound {
			return t, false
		}
		t.hops, t.epoch, t.origin = int(hops), homes.Epoch(epoch), uint32(origin)
	}
	t.kind, t.id, ok = strings.Cut(text, "/")
	ok = ok && t.kind != "" && len(t.kind) <= maxKind && t.id != "" && len(t.id) <= maxID && utf8.ValidString(text)
	return t, ok
}

// cutHex takes a number and a slash off the front of text.
func cutHex(text *string, n *uint64, bits int) bool {
	digits, rest, ok := strings.Cut(*text, "/")
	v, err := strconv.ParseUint(digits, 16, bits)
	*text, *n = rest, v
	return ok && err == nil
}

// pid returns the PID under which a node takes the message.
func (t target) pid(at string) *pa.PID {
	b := make([]byte, 0, len(entityPrefix)+32+len(t.kind)+len(t.id))
	b = append(b, entityPrefix...)
	for _, n := range []uint64{uint64(t.hops), uint64(t.epoch), uint64(t.origin)} {
		b = strconv.AppendUint(b, n, 16)
		b = append(b, '/')
	}
	b = append(b, '/')
	b = append(b, t.kind...)
	b = append(b, '/')
	b = append(b, t.id...)
	return &pa.PID{Address: at, Id: string(append(b, '/'))}
}

// originOf is a short name of a node, for corrections. Two nodes may have the
// same one: then a correction reaches the wrong one, and does no harm there.
func originOf(n member.Node) uint32 { return uint32(xxhash.Sum64String(n.Address)) | 1 }

func entityPID(kind, id string) *pa.PID {
	return &pa.PID{Address: actor.EntityAddress, Id: kind + "/" + id}
}
