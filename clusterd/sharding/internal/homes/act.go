package homes

import (
	"encoding/binary"
	"errors"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// Act is something for the shell to do, in order: one of [Run], [Release],
// [Pass], [Drop], [Route], [Progress].
type Act interface{ act() }

// The acts.
type (
	// Run: the tokens are here, so start what is asked for. What the cargo
	// holds was running at the former home.
	Run struct {
		Kind  string
		Slots *slots.Set
		Cargo []Cargo
	}

	// Release: stop what runs in the slots, keep what comes for it, and Step
	// [Stopped], for all at once or one by one.
	Release struct {
		Kind  string
		Slots *slots.Set
	}

	// Pass: the slots are at To now; forward what was kept.
	Pass struct {
		Kind  string
		Slots *slots.Set
		To    member.Node
	}

	// Route: the slots are at To, or on their way there; the zero node: nobody
	// knows where they are.
	Route struct {
		Kind  string
		Slots *slots.Set
		To    member.Node
		Epoch Epoch
	}

	// Progress tells, at every node that hosts the kind, how far it is with the
	// plan that it follows.
	Progress struct {
		Kind string
		Plan uint32
		Left int // slots that are yet to come to this node or to go from it
	}

	// Drop: the tokens are lost or nobody can take them. Stop what runs; what
	// was kept has no receiver.
	Drop struct {
		Kind  string
		Slots *slots.Set
	}
)

func (Run) act()      {}
func (Release) act()  {}
func (Pass) act()     {}
func (Drop) act()     {}
func (Route) act()    {}
func (Progress) act() {}

// Cargo is what moves with the token of one slot: the shell's business.
type Cargo struct {
	Slot uint16
	Data []byte
}

var errCargo = errors.New("homes: malformed cargo")

// pack joins cargo for the wire: slot, length and data of each.
func pack(list []Cargo) []byte {
	var b []byte
	for _, c := range list {
		b = binary.AppendUvarint(b, uint64(c.Slot))
		b = binary.AppendUvarint(b, uint64(len(c.Data)))
		b = append(b, c.Data...)
	}
	return b
}

// unpack is the inverse of pack. The data still lies in b.
func unpack(b []byte) ([]Cargo, error) {
	var list []Cargo
	for len(b) > 0 {
		slot, n := binary.Uvarint(b)
		if n <= 0 || slot >= slots.Count {
			return nil, errCargo
		}
		b = b[n:]
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, errCargo
		}
		list = append(list, Cargo{Slot: uint16(slot), Data: b[n : n+int(size)]})
		b = b[n+int(size):]
	}
	return list, nil
}
