package wire

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	defineNames = 1 // field numbers of Define in remotepb
	defineReset = 2
)

// Names numbers the texts that a sender writes often. Its zero value is ready.
// Numbers are given once and stay; when the table is full, texts are written
// as they are.
type Names struct {
	refs   map[string]uint32
	list   []string
	bytes  int
	misses int        // texts that found the table full
	once   [64]uint32 // hashes of texts that were used once, some of them

	// The last text that each of Text and Often has found, for most messages go
	// where the one before went. Equal texts are then mostly the same piece of
	// memory, which costs less to find out than a hash.
	text, often found
}

// found is a text and its number.
type found struct {
	s   string
	ref uint32
}

// find looks s up; 0 if it has no number.
func (n *Names) find(s string, last *found) uint32 {
	if s == last.s {
		return last.ref
	}
	ref := n.refs[s]
	if ref != 0 {
		*last = found{s, ref}
	}
	return ref
}

// Len returns how many names there are.
func (n *Names) Len() int { return len(n.list) }

// At returns the name with the number ref, 1 ≤ ref ≤ Len.
func (n *Names) At(ref uint32) string { return n.list[ref-1] }

// Text returns s with its number. The first use of s gives it one, if there is
// room.
func (n *Names) Text(s string) Text {
	if s == "" {
		return Text{}
	}
	if ref := n.find(s, &n.text); ref != 0 {
		return Text{Ref: ref}
	}
	return n.add(s)
}

// Often is Text for texts of which many are used only once, such as the ids of
// entities: they would fill the table for nothing. The second use of s gives it
// a number, if not too many others came between.
func (n *Names) Often(s string) Text {
	if s == "" {
		return Text{}
	}
	if ref := n.find(s, &n.often); ref != 0 {
		return Text{Ref: ref}
	}
	if h := hash(s); n.once[h%uint32(len(n.once))] != h {
		n.once[h%uint32(len(n.once))] = h
		return Text{S: s}
	}
	return n.add(s)
}

// hash is FNV-1a of 32 bits.
func hash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// add gives s a number, if there is room.
func (n *Names) add(s string) Text {
	if len(n.list) == MaxNames || n.bytes+len(s) > MaxNamesBytes/2 {
		n.misses++
		return Text{S: s}
	}
	if n.refs == nil {
		n.refs = make(map[string]uint32)
	}
	n.list = append(n.list, s)
	n.bytes += len(s)
	n.refs[s] = uint32(len(n.list))
	return Text{Ref: uint32(len(n.list))}
}

// Clone returns a copy that is good for reading, while n goes on to grow.
func (n *Names) Clone() *Names { return &Names{list: n.list[:len(n.list):len(n.list)]} }

// Stale reports whether so many texts found the table full that it is better
// to begin another.
func (n *Names) Stale() bool { return n.misses > 4*MaxNames }

// AppendDefine appends a frame that defines the names from+1 … to. The first
// frame of a table, from 0 on, has the other side forget the table before.
func (n *Names) AppendDefine(b []byte, from, to int) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, byte(KindDefine))
	if from == 0 {
		b = protowire.AppendTag(b, defineReset, protowire.VarintType)
		b = protowire.AppendVarint(b, 1)
	}
	for _, s := range n.list[from:to] {
		b = protowire.AppendTag(b, defineNames, protowire.BytesType)
		b = protowire.AppendString(b, s)
	}
	endFrame(b[start:])
	return b
}

// Table is the receiver's side of [Names].
type Table struct {
	list   []string
	bytes  int
	resets int
}

// Resets returns how often the table was emptied: what was kept by number is
// void after each.
func (t *Table) Resets() int { return t.resets }

// Len returns how many names there are.
func (t *Table) Len() int { return len(t.list) }

// At returns the name with the number ref, 1 ≤ ref ≤ Len.
func (t *Table) At(ref uint32) string { return t.list[ref-1] }

// Define reads the body of a frame that defines names.
func (t *Table) Define(body []byte) error {
	for len(body) > 0 {
		f, n := nextField(body)
		if n < 0 {
			return Malformed("define: %v", protowire.ParseError(n))
		}
		body = body[n:]
		switch {
		case f.num == defineReset && f.typ == protowire.VarintType && f.v != 0:
			t.list, t.bytes = nil, 0
			t.resets++
		case f.num == defineNames && f.typ == protowire.BytesType:
			if err := t.add(f.b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Table) add(s []byte) error {
	switch {
	case len(s) == 0 || len(s) > MaxText:
		return Malformed("define: name of %d bytes, limit %d", len(s), MaxText)
	case len(t.list) == MaxNames || t.bytes+len(s) > MaxNamesBytes:
		return Malformed("define: more than %d names or %d bytes", MaxNames, MaxNamesBytes)
	case !utf8.Valid(s):
		return Malformed("define: name is not UTF-8")
	}
	t.list = append(t.list, string(s))
	t.bytes += len(s)
	return nil
}
