package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/pando-go/pando/remote/internal/wire"
)

// Config of a [Remote]. Zero values are good defaults; name, address and UID
// are the system's.
type Config struct {
	// Dial opens a connection; nil is TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// TLS encrypts the connections and proves addresses in both directions: TLS
	// 1.3, a certificate of each side, signed by RootCAs (or ClientCAs, each
	// stands for the other), whose SANs name the host of its address. Of the rest,
	// only Certificates or the hooks that stand in for it are of use. nil is
	// plain text, unless TLSFiles is set.
	TLS *tls.Config
	// TLSFiles is TLS from files that may be replaced while the node runs. Only
	// one of the two may be set.
	TLSFiles TLSFiles
	// Secrets are join secrets: who calls, and who is called, must prove one in
	// the handshake. The first is what this node proves, all are accepted, so
	// that one can replace another node by node. At most 8, each at least 16
	// bytes, drawn at random. Without TLS they protect the handshake only: see
	// docs/security.md. Default none.
	Secrets []string
	// SecretFile holds the same, one a line, and may be replaced while the node
	// runs. Only one of the two may be set.
	SecretFile string
	// Plaintext must be true to listen beyond loopback without TLS.
	Plaintext bool
	// Expose lists the actors that other nodes may reach by a name that was
	// chosen for them: tell, ask, watch and stop them, and start actors of
	// registered kinds under that name. An entry that ends in "*" stands for all
	// names that begin so; "*" exposes all. Names that begin with '$' are never
	// exposed. Reachable without being listed are actors without a chosen name,
	// for those who were given their ref, entities, askers, and named actors that
	// have sent to another node. Default none. See [Remote.Expose].
	Expose []string
	// Logger is told of connections (Debug) and of what peers do wrong (Warn).
	// nil is the slog default.
	Logger *slog.Logger

	// UserLanes is how many connections user messages to one peer are spread
	// over, by their receivers, 1 to 64. Each is opened when it is first needed.
	// More let a peer with many processors decode in parallel. Default 2.
	UserLanes int
	// IdleTimeout closes a connection that has carried nothing for so long; the
	// next message opens it again. Default 1 min.
	IdleTimeout time.Duration
	// ControlIdleTimeout is the same for control connections. It is shorter, since
	// a node now and then has a word for each of many, and must be longer than the
	// longest pause between two heartbeats: 5 s with 10,000 members. Default 15 s,
	// at most IdleTimeout.
	ControlIdleTimeout time.Duration
	// ForgetAfter is how long an address without connection, message or watch
	// is remembered. Of a removed one no more than its UID is. Default 24 h.
	ForgetAfter time.Duration
	// Codecs are asked in order, before those that are built in, who encodes a
	// message that is sent and who decodes one that arrived. Their names must
	// differ.
	Codecs []Codec
	// Compressions are offered to other nodes, best first; a connection uses the
	// first one that both sides have. Default none.
	Compressions []Compression
	// CompressBytes is how long a frame of user messages must be to be
	// compressed. Default 1024.
	CompressBytes int
	// Dump is called with each frame that is written or read, from the goroutine
	// that does it, so it must be quick. For finding faults: it makes all slower.
	// nil is off.
	Dump func(Frame)

	// MaxMessage is the limit of one encoded message, in bytes. Default 4 MiB.
	MaxMessage int
	// QueueBytes is the limit of user messages that wait for one peer or for
	// its acknowledgement, encoded, in bytes. Default 16 MiB.
	QueueBytes int
	// ControlMessages and ControlBytes are the limits of control messages that
	// wait for one peer; a single one may be longer. Default 512 and 1 MiB.
	ControlMessages int
	ControlBytes    int

	// DialTimeout bounds the opening of a connection. Default 2 s.
	DialTimeout time.Duration
	// HandshakeTimeout bounds the handshake that a caller makes, TLS included.
	// Default 5 s.
	HandshakeTimeout time.Duration
	// SilenceTimeout ends a connection from another node on which nothing has
	// arrived for so long. Default 5 min.
	SilenceTimeout time.Duration
	// SpawnTimeout bounds the start of an actor that another node asks for; one
	// that comes up later is stopped. Default 10 s.
	SpawnTimeout time.Duration
	// AckTimeout ends a connection whose other side has acknowledged nothing
	// for so long although something was sent. Default 5 s.
	AckTimeout time.Duration
	// BackoffMin and BackoffMax bound the wait between two tries to connect.
	// It doubles with each failure and is shortened at random by up to half; while
	// a control message waits it is at most 0.1 s.
	// Defaults 50 ms and 2 s.
	BackoffMin time.Duration
	BackoffMax time.Duration

	// MaxConns is the limit of connections from other nodes, MaxHandshakes of
	// those among them that have not shaken hands yet, MaxPeers of addresses
	// known. Defaults 4096, 256 and 65536.
	MaxConns      int
	MaxHandshakes int
	MaxPeers      int
	// MaxConnsPerHost and MaxHandshakesPerHost are the same for one IP address,
	// or IPv6 /64, so that no single machine takes all. Defaults 2048 and 64.
	MaxConnsPerHost      int
	MaxHandshakesPerHost int
	// MaxWatches is the limit of watches that one peer holds on local actors.
	// Default 1048576.
	MaxWatches int

	versions wire.Versions // offered; tests narrow it
}

// withDefaults returns a copy without zero values, or all faults at once.
func (c Config) withDefaults() (Config, error) {
	var faults []error
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.versions == (wire.Versions{}) {
		c.versions = wire.Versions{Min: 1, Max: 1}
	}
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}
	}
	fill(&faults, "UserLanes", &c.UserLanes, 2)
	fill(&faults, "IdleTimeout", &c.IdleTimeout, time.Minute)
	fill(&faults, "ControlIdleTimeout", &c.ControlIdleTimeout, min(15*time.Second, c.IdleTimeout))
	fill(&faults, "ForgetAfter", &c.ForgetAfter, 24*time.Hour)
	fill(&faults, "CompressBytes", &c.CompressBytes, 1024)
	fill(&faults, "MaxMessage", &c.MaxMessage, 4<<20)
	fill(&faults, "QueueBytes", &c.QueueBytes, 16<<20)
	fill(&faults, "ControlMessages", &c.ControlMessages, 512)
	fill(&faults, "ControlBytes", &c.ControlBytes, 1<<20)
	fill(&faults, "DialTimeout", &c.DialTimeout, 2*time.Second)
	fill(&faults, "HandshakeTimeout", &c.HandshakeTimeout, 5*time.Second)
	fill(&faults, "SilenceTimeout", &c.SilenceTimeout, 5*time.Minute)
	fill(&faults, "SpawnTimeout", &c.SpawnTimeout, 10*time.Second)
	fill(&faults, "AckTimeout", &c.AckTimeout, 5*time.Second)
	fill(&faults, "BackoffMin", &c.BackoffMin, 50*time.Millisecond)
	fill(&faults, "BackoffMax", &c.BackoffMax, 2*time.Second)
	fill(&faults, "MaxConns", &c.MaxConns, 4096)
	fill(&faults, "MaxHandshakes", &c.MaxHandshakes, 256)
	fill(&faults, "MaxConnsPerHost", &c.MaxConnsPerHost, 2048)
	fill(&faults, "MaxHandshakesPerHost", &c.MaxHandshakesPerHost, 64)
	fill(&faults, "MaxPeers", &c.MaxPeers, 1<<16)
	fill(&faults, "MaxWatches", &c.MaxWatches, 1<<20)
	if c.UserLanes > wire.MaxLanes {
		faults = append(faults, fmt.Errorf("UserLanes %d is above %d", c.UserLanes, wire.MaxLanes))
	}
	faults = append(faults, checkCodecs(c.Codecs), checkCompressions(c.Compressions))
	if c.MaxMessage > 1<<30 {
		faults = append(faults, fmt.Errorf("MaxMessage %d is above 1 GiB", c.MaxMessage))
	}
	if c.QueueBytes < c.MaxMessage+8*wire.MaxText {
		faults = append(faults, fmt.Errorf("QueueBytes %d has no room for one message of MaxMessage %d", c.QueueBytes, c.MaxMessage))
	}
	faults = append(faults, checkExpose(c.Expose))
	return c, errors.Join(faults...)
}

// guards is what a Remote asks at each handshake.
type guards struct {
	tls     func() *tlsPair // nil: plain text
	secrets func() []string // the first is this node's own; none: nothing is proved
}

// guards reads the certificates and secrets for the node at self, which listens
// at ln, and reports all faults at once.
func (c *Config) guards(self string, ln net.Addr) (guards, error) {
	var g guards
	var tlsErr, secretErr, plainErr error
	g.tls, tlsErr = c.tlsSource(self)
	g.secrets, secretErr = c.secretSource()
	if c.TLS == nil && !c.TLSFiles.set() && !c.Plaintext && beyondLoopback(ln) {
		plainErr = fmt.Errorf("%v reaches beyond this machine without TLS: set TLS or TLSFiles, or Plaintext if that is meant", ln)
	}
	return g, errors.Join(tlsErr, secretErr, plainErr)
}

func beyondLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

// Check reports at once every fault that [Listen] would find for a node with this
// address, but for what the listener is bound to; "" if the address is not known
// yet. It reads the files that are named.
func (c Config) Check(self string) error {
	full, err := c.withDefaults()
	full.Plaintext = true
	_, err2 := full.guards(self, nil)
	return errors.Join(err, err2)
}

func fill[T int | time.Duration](faults *[]error, name string, field *T, value T) {
	if *field < 0 {
		*faults = append(*faults, fmt.Errorf("%s is negative", name))
	}
	if *field == 0 {
		*field = value
	}
}
