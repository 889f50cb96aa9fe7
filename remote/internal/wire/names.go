package wire

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

const defineNames = 1 // field number of Define in remotepb

// Names numbers the texts that a sender writes often. Its zero value is ready.
// Numbers are given once and stay; when the table is full, texts are written
// as they are.
type Names struct {
	refs  map[string]uint32
	list  []string
	bytes int
}

// Len returns how many names there are.
func (n *Names) Len() int { return len(n.list) }

// At returns the name with the number ref, 1 ≤ ref ≤ Len.
func (n *Names) At(ref uint32) string { return n.list[ref-1] }

// Text returns s with its number. The first use of s gives it one, if there is
// room.
func (n *Names) Text(s string) Text {
	if ref, ok := n.refs[s]; ok {
		return Text{Ref: ref}
	}
	if s == "" || len(n.list) == MaxNames || n.bytes+len(s) > MaxNamesBytes/2 {
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

// AppendDefine appends a frame that defines the names from+1 … to.
func (n *Names) AppendDefine(b []byte, from, to int) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, byte(KindDefine))
	for _, s := range n.list[from:to] {
		b = protowire.AppendTag(b, defineNames, protowire.BytesType)
		b = protowire.AppendString(b, s)
	}
	endFrame(b[start:])
	return b
}

// Table is the receiver's side of [Names].
type Table struct {
	list  []string
	bytes int
}

// Len returns how many names there are.
func (t *Table) Len() int { return len(t.list) }

// At returns the name with the number ref, 1 ≤ ref ≤ Len.
func (t *Table) At(ref uint32) string { return t.list[ref-1] }

// Define reads the body of a frame that defines names.
func (t *Table) Define(body []byte) error {
	for len(body) > 0 {
		num, typ, n := protowire.ConsumeTag(body)
		if n < 0 {
			return Malformed("define: %v", protowire.ParseError(n))
		}
		value := body[n:]
		n = protowire.ConsumeFieldValue(num, typ, value)
		if n < 0 {
			return Malformed("define: %v", protowire.ParseError(n))
		}
		body = value[n:]
		if num == defineNames && typ == protowire.BytesType {
			s, _ := protowire.ConsumeBytes(value)
			if err := t.add(s); err != nil {
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
