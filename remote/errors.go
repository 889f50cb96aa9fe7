package remote

import (
	"errors"
	"fmt"
)

var (
	// ErrNobody: nothing listens at the address; the connection was refused.
	ErrNobody = errors.New("remote: nobody listens there")
	// ErrLost: the connection broke before the other side told that it had
	// handled the message. It may have arrived.
	ErrLost = errors.New("remote: connection lost")
	// ErrQueueFull: more control messages wait for the peer than the limits
	// of Config allow.
	ErrQueueFull = errors.New("remote: control queue full")
	// ErrTooLarge: the message has more bytes than Config.MaxMessage, here or
	// at the other side.
	ErrTooLarge = errors.New("remote: message too large")
	// ErrUnknownType: this node has no codec for the type of a message that
	// arrived.
	ErrUnknownType = errors.New("remote: unknown message type")
	// ErrClosed: this Remote has been closed.
	ErrClosed = errors.New("remote: closed")
)

// The codes of a [RefusedError].
const (
	CodeCluster   = "cluster"   // the cluster names differ
	CodeVersion   = "version"   // no protocol version in common
	CodeUID       = "uid"       // a newer incarnation is known at the caller's address
	CodeAddress   = "address"   // the caller claims the address of the node that it called
	CodeRemoved   = "removed"   // the caller was removed from the cluster; control messages still pass
	CodeBusy      = "busy"      // a limit on connections or peers is reached; try again
	CodeMalformed = "malformed" // the caller broke a rule of the protocol
	CodeClosing   = "closing"   // the node is stopping

	CodeSecret      = "secret"      // no join secret, or another one
	CodeTLS         = "tls"         // one side speaks TLS and the other does not
	CodeCertificate = "certificate" // a certificate is not accepted, or not for the address
)

// RefusedError tells that the connection was refused, and why: by the other side,
// or by this one, which did not accept what the other showed of itself.
type RefusedError struct {
	Code   string // one of the Code constants, or one of a later version
	Text   string // for an operator: what was wrong and what would be right
	Exceed uint64 // CodeUID: what the UID of a node at this address must be above
}

// Error returns the text.
func (e *RefusedError) Error() string { return e.Text }

// IncarnationError tells that another incarnation answers at an address than
// the message was for.
type IncarnationError struct {
	Address string
	Want    uint64 // UID that was named
	Got     uint64 // UID that is there
}

// Error names the address and both UIDs.
func (e *IncarnationError) Error() string {
	return fmt.Sprintf("remote: %s is UID %x now, not %x", e.Address, e.Got, e.Want)
}
