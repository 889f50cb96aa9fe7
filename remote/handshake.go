package remote

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"hash"
	"net"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// greeting is a handshake under way, on either side. Every frame that is written or
// read goes into one running hash, so that a proof vouches for all that was said
// before it: versions, cluster, addresses, UIDs, lane and both nonces. Nothing of
// it can be changed on the way, and none of it can be used again, since a part of
// it was drawn by the side that checks the proof.
type greeting struct {
	net.Conn
	frames *wire.Reader
	sum    hash.Hash
}

// newGreeting begins with what the two sides share already: nothing, or a TLS session.
// Binding the proof to that keeps it from being passed on into another session.
func newGreeting(conn net.Conn) (*greeting, error) {
	t := &greeting{Conn: conn, frames: wire.NewReader(conn), sum: sha256.New()}
	if c := tlsOf(conn); c != nil {
		state := c.ConnectionState()
		channel, err := state.ExportKeyingMaterial("EXPORTER-pando-join", nil, 32)
		if err != nil {
			return nil, fmt.Errorf("remote: bind the handshake to its TLS session: %w", err)
		}
		t.sum.Write(channel)
	}
	return t, nil
}

// say writes a frame, after what is to come before it on the connection.
func (t *greeting) say(before string, k wire.Kind, m proto.Message) error {
	b, err := wire.AppendFrame([]byte(before), k, m)
	if err != nil {
		return err
	}
	t.sum.Write(b[len(before):])
	_, err = t.Write(b)
	return err
}

// hear reads a frame. Its body is valid until the next one.
func (t *greeting) hear() (wire.Kind, []byte, error) {
	k, body, err := t.frames.Next()
	if err == nil {
		t.add(k, body)
	}
	return k, body, err
}

// add hashes a frame as it stands on the wire.
func (t *greeting) add(k wire.Kind, body []byte) {
	var head [wire.HeadLen]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(body)+1))
	head[wire.HeadLen-1] = byte(k)
	t.sum.Write(head[:])
	t.sum.Write(body)
}

// The two roles of a proof. They differ, so that a proof sent back to who made it
// proves nothing.
const (
	roleDialled  = "pando join 1: the side that dialled"
	roleAnswered = "pando join 1: the side that answered"
)

// mac is the proof of a role by a secret for what was said so far.
func (t *greeting) mac(role, secret string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(role))
	m.Write(t.sum.Sum(nil))
	return m.Sum(nil)
}

// check returns the secret by which a mac was made. All of them are tried, in
// constant time, so that the time tells nothing of any.
func (t *greeting) check(mac []byte, role string, secrets []string) (secret string, ok bool) {
	for _, s := range secrets {
		if hmac.Equal(mac, t.mac(role, s)) {
			secret, ok = s, true
		}
	}
	return secret, ok
}

func newNonce() []byte {
	b := make([]byte, wire.NonceLen)
	rand.Read(b) // never fails
	return b
}

// challenge is the part of the side that answers: it lets only those go on who
// prove one of the secrets, and returns which.
func (t *greeting) challenge(self string, h *remotepb.Hello, secrets []string) (secret string, refusal *remotepb.Refusal, err error) {
	if err := t.say("", wire.KindChallenge, &remotepb.Challenge{Nonce: newNonce()}); err != nil {
		return "", nil, err
	}
	k, body, err := t.frames.Next()
	if err != nil {
		return "", nil, err
	}
	proof, refused, err := wire.ParseProof(k, body)
	switch {
	case err != nil:
		return "", nil, err
	case refused != nil:
		return "", nil, refusedError(refused)
	}
	secret, ok := t.check(proof.Mac, roleDialled, secrets)
	if !ok {
		return "", &remotepb.Refusal{Code: CodeSecret, Text: fmt.Sprintf(
			"remote: %s has another join secret than %s; give both the same", h.Address, self)}, nil
	}
	t.add(k, body)
	return secret, nil, nil
}

// prove is the part of the side that dialled: it answers a challenge with the
// first of its secrets.
func (t *greeting) prove(self, address string, body []byte, k wire.Kind, secrets []string) error {
	if _, err := wire.ParseChallenge(k, body); err != nil {
		return err
	}
	if len(secrets) == 0 {
		m := &remotepb.Refusal{Code: CodeSecret, Text: fmt.Sprintf(
			"remote: %s asks for the join secret, and %s has none; give both the same", address, self)}
		if err := t.say("", wire.KindRefusal, m); err != nil {
			return err
		}
		return refusedError(m)
	}
	return t.say("", wire.KindProof, &remotepb.Proof{Mac: t.mac(roleDialled, secrets[0])})
}

// hearProof reads the proof of the side that answered.
func (t *greeting) hearProof(address, secret string) error {
	k, body, err := t.frames.Next()
	if err != nil {
		return err
	}
	proof, _, err := wire.ParseProof(k, body)
	if err != nil {
		return err
	}
	if proof != nil {
		if _, ok := t.check(proof.Mac, roleAnswered, []string{secret}); ok {
			return nil
		}
	}
	return &RefusedError{Code: CodeSecret, Text: fmt.Sprintf(
		"remote: %s did not prove the join secret: it is no node of this cluster, or somebody changes what is said", address)}
}

// tlsOf returns the TLS connection under conn, nil if there is none.
func tlsOf(conn net.Conn) *tls.Conn {
	for {
		switch c := conn.(type) {
		case *tls.Conn:
			return c
		case *bounded:
			conn = c.Conn
		default:
			return nil
		}
	}
}
