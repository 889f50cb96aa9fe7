package member

import "encoding/binary"

// AppendBinary appends a canonical form of the record to b: two records have
// the same bytes if and only if they are equal. It is for digests and for
// ties, not for the wire.
func (r *Record) AppendBinary(b []byte) []byte {
	b = appendNode(b, r.Node)
	b = binary.AppendUvarint(b, r.Accepted)
	b = append(b, byte(r.Wanted), flag(r.Weakly))
	b = binary.AppendUvarint(b, r.Removed)
	return r.Own.appendBinary(b)
}

func (o *Own) appendBinary(b []byte) []byte {
	b = binary.AppendUvarint(b, o.Version)
	b = append(b, flag(o.Present)|flag(o.Leaving)<<1|flag(o.Drained)<<2|flag(o.Halt)<<3)
	return o.Info.appendBinary(b)
}

func (i *Info) appendBinary(b []byte) []byte {
	b = appendStrings(b, i.Roles)
	b = appendString(b, i.Zone)
	b = appendString(b, i.Version)
	b = appendStrings(b, i.Kinds)
	b = binary.AppendUvarint(b, uint64(len(i.Meta)))
	for _, p := range i.Meta {
		b = appendString(appendString(b, p.Key), p.Value)
	}
	return b
}

func appendNode(b []byte, n Node) []byte {
	return binary.AppendUvarint(appendString(b, n.Address), n.UID)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}
