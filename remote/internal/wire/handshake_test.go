package wire_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// The bytes by which a join secret is proved, as docs/wire.md tells them.
func TestGoldenProof(t *testing.T) {
	nonce := bytes.Repeat([]byte{1}, wire.NonceLen)
	for _, tt := range []struct {
		name  string
		frame []byte
		want  string
	}{
		{"challenge", frame(t, wire.KindChallenge, &remotepb.Challenge{Nonce: nonce}), "00000023" + "10" + "0a20" + hex.EncodeToString(nonce)},
		{"proof", frame(t, wire.KindProof, &remotepb.Proof{Mac: nonce}), "00000023" + "11" + "0a20" + hex.EncodeToString(nonce)},
	} {
		if got := hex.EncodeToString(tt.frame); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestProofsOfWrongForm(t *testing.T) {
	short := []byte{1, 2, 3}
	if _, err := wire.ParseChallenge(wire.KindChallenge, frame(t, wire.KindChallenge, &remotepb.Challenge{Nonce: short})[wire.HeadLen:]); err == nil {
		t.Error("a challenge with a short nonce was taken")
	}
	if _, err := wire.ParseChallenge(wire.KindProof, nil); err == nil {
		t.Error("a proof was taken for a challenge")
	}
	if _, _, err := wire.ParseProof(wire.KindProof, frame(t, wire.KindProof, &remotepb.Proof{Mac: short})[wire.HeadLen:]); err == nil {
		t.Error("a short proof was taken")
	}
	if _, _, err := wire.ParseProof(wire.KindHello, nil); err == nil {
		t.Error("a hello was taken for a proof")
	}
	h := &remotepb.Hello{MinVersion: 1, MaxVersion: 1, Address: "a:1", Dialled: "b:1", Uid: 1, Lane: 1, Nonce: short}
	if _, err := wire.ParseHello(wire.KindHello, frame(t, wire.KindHello, h)[wire.HeadLen:]); err == nil {
		t.Error("a hello with a short nonce was taken")
	}
}

func FuzzProof(f *testing.F) {
	f.Add(byte(wire.KindChallenge), frame(f, wire.KindChallenge, &remotepb.Challenge{Nonce: make([]byte, wire.NonceLen)})[wire.HeadLen:])
	f.Add(byte(wire.KindProof), frame(f, wire.KindProof, &remotepb.Proof{Mac: make([]byte, wire.MacLen)})[wire.HeadLen:])
	f.Add(byte(wire.KindRefusal), frame(f, wire.KindRefusal, &remotepb.Refusal{Code: "secret"})[wire.HeadLen:])
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		if c, err := wire.ParseChallenge(wire.Kind(kind), body); err == nil && len(c.Nonce) != wire.NonceLen {
			t.Errorf("accepted %v", c)
		}
		p, r, err := wire.ParseProof(wire.Kind(kind), body)
		if err == nil && ((p == nil) == (r == nil) || p != nil && len(p.Mac) != wire.MacLen) {
			t.Errorf("got %v and %v", p, r)
		}
	})
}
