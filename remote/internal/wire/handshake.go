package wire

import (
	"net"
	"strconv"

	"github.com/pando-go/pando/remote/internal/remotepb"
)

// MaxAddress is the limit of an address and of a cluster's name, in bytes.
const MaxAddress = 261

// NonceLen and MacLen are the lengths of what proves a join secret, in bytes.
const (
	NonceLen = 32
	MacLen   = 32
)

// The kinds of frames by which a join secret is proved.
const (
	KindChallenge Kind = 16 + iota
	KindProof
)

// Versions is a range of protocol versions.
type Versions struct{ Min, Max uint32 }

// Common returns the highest version in both ranges.
func (v Versions) Common(o Versions) (uint32, bool) {
	high := min(v.Max, o.Max)
	return high, high >= v.Min && high >= o.Min && high > 0
}

// CheckAddress reports whether an address reads host:port with a port number.
func CheckAddress(address string) bool {
	if len(address) > MaxAddress {
		return false
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// ParseHello reads and checks a Hello.
func ParseHello(kind Kind, body []byte) (*remotepb.Hello, error) {
	h := new(remotepb.Hello)
	if kind != KindHello {
		return nil, Malformed("%v in place of a hello", kind)
	}
	if err := Unmarshal(kind, body, h); err != nil {
		return nil, err
	}
	switch {
	case h.MinVersion == 0 || h.MinVersion > h.MaxVersion:
		return nil, Malformed("hello: versions %d to %d", h.MinVersion, h.MaxVersion)
	case !CheckAddress(h.Address):
		return nil, Malformed("hello: address %.300q", h.Address)
	case !CheckAddress(h.Dialled):
		return nil, Malformed("hello: dialled address %.300q", h.Dialled)
	case h.Uid == 0:
		return nil, Malformed("hello: UID 0")
	case len(h.Cluster) > MaxAddress:
		return nil, Malformed("hello: cluster name of %d bytes", len(h.Cluster))
	case len(h.Nonce) != 0 && len(h.Nonce) != NonceLen:
		return nil, Malformed("hello: nonce of %d bytes", len(h.Nonce))
	case h.Lane != remotepb.Lane_LANE_CONTROL && h.Lane != remotepb.Lane_LANE_USER:
		return nil, Malformed("hello: lane %d", h.Lane)
	case h.Index >= MaxLanes:
		return nil, Malformed("hello: user lane %d", h.Index)
	}
	return h, nil
}

// ParseAnswer reads and checks the answer to a Hello that offered v: one of
// the two results is nil.
func ParseAnswer(kind Kind, body []byte, v Versions) (*remotepb.Welcome, *remotepb.Refusal, error) {
	if kind == KindRefusal {
		r := new(remotepb.Refusal)
		return nil, r, Unmarshal(kind, body, r)
	}
	if kind != KindWelcome {
		return nil, nil, Malformed("%v in place of a welcome", kind)
	}
	w := new(remotepb.Welcome)
	if err := Unmarshal(kind, body, w); err != nil {
		return nil, nil, err
	}
	switch {
	case w.Version < v.Min || w.Version > v.Max:
		return nil, nil, Malformed("welcome: version %d was not offered", w.Version)
	case !CheckAddress(w.Address):
		return nil, nil, Malformed("welcome: address %.300q", w.Address)
	case w.Uid == 0:
		return nil, nil, Malformed("welcome: UID 0")
	}
	return w, nil, nil
}

// ParseChallenge reads and checks a Challenge.
func ParseChallenge(kind Kind, body []byte) (*remotepb.Challenge, error) {
	c := new(remotepb.Challenge)
	if kind != KindChallenge {
		return nil, Malformed("%v in place of a challenge", kind)
	}
	if err := Unmarshal(kind, body, c); err != nil {
		return nil, err
	}
	if len(c.Nonce) != NonceLen {
		return nil, Malformed("challenge: nonce of %d bytes", len(c.Nonce))
	}
	return c, nil
}

// ParseProof reads and checks the form of a Proof; whether it proves anything is
// for its reader to find out. The side that is asked for one may refuse instead.
func ParseProof(kind Kind, body []byte) (*remotepb.Proof, *remotepb.Refusal, error) {
	if kind == KindRefusal {
		r := new(remotepb.Refusal)
		return nil, r, Unmarshal(kind, body, r)
	}
	if kind != KindProof {
		return nil, nil, Malformed("%v in place of a proof", kind)
	}
	p := new(remotepb.Proof)
	if err := Unmarshal(kind, body, p); err != nil {
		return nil, nil, err
	}
	if len(p.Mac) != MacLen {
		return nil, nil, Malformed("proof of %d bytes", len(p.Mac))
	}
	return p, nil, nil
}
