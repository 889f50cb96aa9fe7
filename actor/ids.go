package actor

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxName is the length limit of actor names, in bytes.
const maxName = 512

// mix spreads an incarnation's UID over 64 bits (the finalizer of splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// anonPrefix is what the ids of this incarnation's anonymous actors begin with: it
// tells them, as a rule, from those of another incarnation. That mail for one of
// those reaches nobody here is the affair of the tag. The prefix is short,
// since each actor pays for its id.
func anonPrefix(uid uint64) string {
	return "$" + strconv.FormatUint(mix(uid)>>54, 36) + "."
}

// tagLen is how many unguessable characters end the id of an anonymous actor:
// other nodes may reach such an actor if they know its id, so it must not follow
// from another one. 36^8 is 41 bits, and each wrong guess is a dead letter that
// is counted and logged.
const tagLen = 8

// tagKey is a system's secret: without it nobody can tell the tag of a number.
type tagKey [32]byte

func newTagKey() (k tagKey) {
	rand.Read(k[:]) // never fails
	return k
}

// anonymous returns an id that was never used before in the cluster.
func (s *System) anonymous() string { return s.anonymousID(s.counter.Add(1)) }

// anonymousID returns the id of the n-th anonymous actor: prefix, number, tag. It
// is a function of n alone, so the id need not exist before somebody asks for it.
func (s *System) anonymousID(n uint64) string {
	var b [64]byte
	id := strconv.AppendUint(append(b[:0], s.anon...), n, 36)
	var in [len(tagKey{}) + 8]byte
	copy(in[:], s.tags[:])
	binary.LittleEndian.PutUint64(in[len(tagKey{}):], n)
	sum := sha256.Sum256(in[:])
	for r, i := binary.LittleEndian.Uint64(sum[:8]), 0; i < tagLen; r, i = r/36, i+1 {
		id = append(id, "0123456789abcdefghijklmnopqrstuvwxyz"[r%36])
	}
	return string(id)
}

// existed tells whether an id is that of an anonymous actor of this incarnation.
func (s *System) existed(id string) bool {
	last := id[strings.LastIndexByte(id, '/')+1:]
	n, ok := strings.CutPrefix(last, s.anon)
	if !ok || len(n) <= tagLen {
		return false
	}
	i, err := strconv.ParseUint(n[:len(n)-tagLen], 36, 64)
	return err == nil && i <= s.counter.Load() && last == s.anonymousID(i)
}

// absent is the reason why nobody is found at a local id.
func (s *System) absent(id string) error {
	if s.closed.Load() || s.existed(id) {
		return ErrStopped
	}
	return ErrNoActor
}

// validName checks the name that a user chose for an actor. '#' would look like
// the start of a UID; a leading '$' is for names that nobody chose.
func validName(name string) error {
	switch {
	case strings.HasPrefix(name, "$"):
		return fmt.Errorf("%w: %q begins with '$'", ErrBadName, name)
	case strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/"):
		return fmt.Errorf("%w: %q begins or ends with '/'", ErrBadName, name)
	}
	return validID(name)
}

func validID(id string) error {
	switch {
	case len(id) > maxName:
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrBadName, len(id), maxName)
	case strings.Contains(id, "#"):
		return fmt.Errorf("%w: %q contains '#'", ErrBadName, id)
	case !utf8.ValidString(id):
		return fmt.Errorf("%w: %q is not UTF-8", ErrBadName, id)
	}
	return nil
}

// cutUID splits the incarnation off an id that is meant for one only.
func cutUID(id string) (bare string, uid uint64, pinned bool) {
	i := strings.LastIndexByte(id, '#')
	if i < 0 {
		return id, 0, false
	}
	uid, ok := parseUID(id[i+1:])
	if !ok {
		return id, 0, false
	}
	return id[:i], uid, true
}

// parseUID accepts the one spelling that is printed: lower-case hex without
// leading zeros.
func parseUID(text string) (uint64, bool) {
	uid, err := strconv.ParseUint(text, 16, 64)
	return uid, err == nil && formatUID(uid) == text
}

func formatUID(uid uint64) string { return strconv.FormatUint(uid, 16) }
