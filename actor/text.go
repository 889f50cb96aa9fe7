package actor

import (
	"fmt"
	"strings"

	pa "github.com/asynkron/protoactor-go/actor"
)

const scheme = "pando://"

// maxText bounds what ParseRef looks at, in bytes.
const maxText = 4096

// plain tells the bytes that stand for themselves in the text of a ref; all
// others are written %XX.
func plain(b byte) bool {
	switch {
	case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		return true
	}
	return strings.IndexByte("-._~$/:@+,;=!&()*'[]", b) >= 0
}

func escape(to *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		if b := s[i]; plain(b) {
			to.WriteByte(b)
		} else {
			to.Write([]byte{'%', hex[b>>4], hex[b&15]})
		}
	}
}

func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := unhex(s[i+1]), unhex(s[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		out = append(out, byte(hi<<4|lo))
		i += 2
	}
	return string(out), true
}

func unhex(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	}
	return -1
}

// format is the text of a PID in this system.
func (s *System) format(pid *pa.PID) string {
	if pid == nil {
		return ""
	}
	var b strings.Builder
	b.Grow(len(scheme) + len(s.name) + len(pid.Address) + len(pid.Id) + 4)
	b.WriteString(scheme)
	b.WriteString(s.name)
	if pid.Address == EntityAddress {
		b.WriteByte('/')
		escape(&b, pid.Id)
		return b.String()
	}
	b.WriteByte('@')
	if pid.Address != noHost {
		escape(&b, strings.ReplaceAll(pid.Address, "/", "\x00")) // never an address
	}
	b.WriteByte('/')
	id, uid, pinned := cutUID(pid.Id)
	escape(&b, id)
	if pinned {
		b.WriteByte('#')
		b.WriteString(formatUID(uid))
	}
	return b.String()
}

func badRef(text, format string, args ...any) error {
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	return fmt.Errorf("%w %q: %s", ErrBadRef, text, fmt.Sprintf(format, args...))
}

// parse is the inverse of format.
func (s *System) parse(text string) (*pa.PID, error) {
	if len(text) > maxText {
		return nil, badRef(text, "longer than %d bytes", maxText)
	}
	rest, ok := strings.CutPrefix(text, scheme)
	if !ok {
		return nil, badRef(text, "does not begin with %s", scheme)
	}
	authority, path, ok := strings.Cut(rest, "/")
	if !ok || path == "" {
		return nil, badRef(text, "has no id")
	}
	name, address, hosted := strings.Cut(authority, "@")
	if name != s.name {
		return nil, badRef(text, "is of cluster %q, this is %q", name, s.name)
	}
	if !hosted {
		return parseEntity(text, path)
	}
	return s.parseHosted(text, address, path)
}

func parseEntity(text, path string) (*pa.PID, error) {
	id, ok := unescape(path)
	if !ok {
		return nil, badRef(text, "has a broken %% escape")
	}
	kind, rest, ok := strings.Cut(id, "/")
	if !ok || kind == "" || rest == "" {
		return nil, badRef(text, "is no kind/id")
	}
	if strings.Contains(path, "#") {
		return nil, badRef(text, "an entity has no UID")
	}
	return &pa.PID{Address: EntityAddress, Id: id}, nil
}

func (s *System) parseHosted(text, address, path string) (*pa.PID, error) {
	path, tail, pinned := strings.Cut(path, "#")
	id, ok := unescape(path)
	addr, ok2 := unescape(address)
	switch {
	case !ok || !ok2:
		return nil, badRef(text, "has a broken %% escape")
	case id == "":
		return nil, badRef(text, "has no id")
	case validateAddress(addr) != nil:
		return nil, badRef(text, "%v", validateAddress(addr))
	case addr == "" && s.address != "":
		return nil, badRef(text, "names no node")
	}
	if _, _, hidden := cutUID(id); hidden {
		return nil, badRef(text, "has an escaped '#' before a UID")
	}
	if pinned {
		uid, ok := parseUID(tail)
		if !ok {
			return nil, badRef(text, "has a bad UID")
		}
		if addr != s.address || uid != s.uid.Load() {
			id += "#" + tail
		}
	}
	if addr == "" {
		addr = noHost
	}
	return &pa.PID{Address: addr, Id: id}, nil
}
