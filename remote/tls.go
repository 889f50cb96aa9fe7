package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// TLSFiles names what a node needs for mutual TLS, as PEM files. They are read
// again, at most once a second, when a connection is made, so that certificates
// and authorities are replaced without a restart: write the new ones over them.
// Files that cannot be used, such as a certificate whose key is not there yet,
// are logged and leave the former ones in force.
type TLSFiles struct {
	Cert string // the node's certificate, followed by its intermediates
	Key  string // its private key
	CA   string // the authorities that sign the nodes' certificates; several while one replaces another
}

// tlsPair is what one handshake needs, for either role.
type tlsPair struct{ server, client *tls.Config }

// pairOf makes both roles of what a user configured: TLS 1.3, and certificates
// on both sides. Either pool of authorities stands for both.
func pairOf(base *tls.Config) *tlsPair {
	server := base.Clone()
	server.MinVersion = tls.VersionTLS13
	server.ClientAuth = tls.RequireAndVerifyClientCert
	server.SessionTicketsDisabled = true // a ticket would outlive its authority
	if server.ClientCAs == nil {
		server.ClientCAs = server.RootCAs
	}
	client := base.Clone()
	client.MinVersion = tls.VersionTLS13
	client.ClientSessionCache = nil
	if client.RootCAs == nil {
		client.RootCAs = client.ClientCAs
	}
	return &tlsPair{server, client}
}

// checkTLS reports what of a user's configuration would leave a node open or
// unreachable.
func checkTLS(c *tls.Config, self string) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("TLS."+format, args...)) }
	if len(c.Certificates) == 0 && (c.GetCertificate == nil || c.GetClientCertificate == nil) {
		fault("Certificates is empty: each node shows one, both to callers and when it calls (else GetCertificate and GetClientCertificate)")
	}
	if c.RootCAs == nil && c.ClientCAs == nil {
		fault("RootCAs is not set: name the cluster's own authority, or any that this machine trusts could let nodes in")
	}
	if c.InsecureSkipVerify {
		fault("InsecureSkipVerify: nodes prove their addresses by their certificates")
	}
	if c.ServerName != "" {
		fault("ServerName %q: leave it empty, the address that is called must be in the certificate", c.ServerName)
	}
	if len(c.Certificates) > 0 && len(c.Certificates[0].Certificate) > 0 {
		if leaf, err := x509.ParseCertificate(c.Certificates[0].Certificate[0]); err != nil {
			fault("Certificates: %w", err)
		} else if err := covers(leaf, self); err != nil {
			fault("Certificates: %w", err)
		}
	}
	return errors.Join(faults...)
}

// covers reports whether a certificate is for the node at an address: its host is
// among the names and IP addresses. A certificate with URIs of the form
// pando://host:port is for those addresses only, which tells apart the nodes of
// one machine.
func covers(leaf *x509.Certificate, address string) error {
	if address == "" { // of Config.Check: not known yet
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if err := leaf.VerifyHostname(host); err != nil {
		return fmt.Errorf("the certificate is not for %s but for %s", address, namesOf(leaf))
	}
	uris := slices.DeleteFunc(slices.Clone(leaf.URIs), func(u *url.URL) bool { return u.Scheme != "pando" })
	if len(uris) == 0 || slices.ContainsFunc(uris, func(u *url.URL) bool { return u.Host == address }) {
		return nil
	}
	return fmt.Errorf("the certificate is not for %s but for %s", address, namesOf(leaf))
}

// namesOf lists whom a certificate is for, cut short.
func namesOf(leaf *x509.Certificate) string {
	names := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	for _, u := range leaf.URIs {
		names = append(names, u.String())
	}
	if len(names) == 0 {
		return fmt.Sprintf("nobody (its SANs are empty, subject %.100q)", leaf.Subject.String())
	}
	more := ""
	if len(names) > 8 {
		names, more = names[:8], ", …"
	}
	return clip(strings.Join(names, ", ") + more)
}

// load reads the files into what one handshake needs.
func (f TLSFiles) load(self string, content [][]byte) (*tlsPair, error) {
	cert, err := tls.X509KeyPair(content[0], content[1])
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", f.Cert, f.Key, err)
	}
	if err := covers(cert.Leaf, self); err != nil {
		return nil, fmt.Errorf("certificate %s: %w", f.Cert, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content[2]) {
		return nil, fmt.Errorf("authorities %s: no certificate in it", f.CA)
	}
	return pairOf(&tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool}), nil
}

// set tells whether any file is named.
func (f TLSFiles) set() bool { return f != TLSFiles{} }

// tlsSource returns what gives each handshake its configuration; nil for plain text.
func (c *Config) tlsSource(self string) (func() *tlsPair, error) {
	switch {
	case c.TLS != nil && c.TLSFiles.set():
		return nil, errors.New("both TLS and TLSFiles are set: want one")
	case c.TLS != nil:
		pair := pairOf(c.TLS)
		return func() *tlsPair { return pair }, checkTLS(c.TLS, self)
	case !c.TLSFiles.set():
		return nil, nil
	}
	f := c.TLSFiles
	if f.Cert == "" || f.Key == "" || f.CA == "" {
		return nil, fmt.Errorf("TLSFiles: want Cert, Key and CA, have %+v", f)
	}
	files, err := newReloader("TLS files", []string{f.Cert, f.Key, f.CA}, c.Logger, func(content [][]byte) (*tlsPair, error) {
		pair, err := f.load(self, content)
		if err == nil {
			logCertificate(c.Logger, pair.server.Certificates[0].Leaf, time.Now())
		}
		return pair, err
	})
	if err != nil {
		return nil, fmt.Errorf("TLSFiles: %w", err)
	}
	return files.get, nil
}

// dialTLS encrypts a connection to the node that was dialled at address.
func dialTLS(ctx context.Context, plain net.Conn, pair *tlsPair, address string) (net.Conn, error) {
	conf := pair.client.Clone()
	conf.ServerName, _, _ = net.SplitHostPort(address)
	conn := tls.Client(plain, conf)
	if err := conn.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, tlsError(err, address)
	}
	return conn, nil
}

// tlsError puts the failure of a TLS handshake that this node began into words
// for its operator. Other errors it leaves alone.
func tlsError(err error, address string) error {
	refused := func(code, format string, args ...any) error {
		return &RefusedError{Code: code, Text: fmt.Sprintf("remote: "+format, args...)}
	}
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &verify):
		return refused(CodeCertificate, "%s shows a certificate that is not accepted here: %v", address, verify.Err)
	case errors.As(err, &record):
		return refused(CodeTLS, "%s does not answer in TLS, which this node requires; give both TLS or neither", address)
	case errors.As(err, &op) && op.Op == "remote error":
		return refused(CodeCertificate, "%s does not accept this node's certificate, its log says why: %v", address, op.Err)
	}
	return err
}

// acceptTLS encrypts a connection from another node. An error has been logged
// and told to the caller, as far as it can be.
func (r *Remote) acceptTLS(plain net.Conn) (net.Conn, error) {
	if r.tls == nil {
		return plain, nil
	}
	conn := tls.Server(plain, r.tls().server)
	err := conn.Handshake()
	if err == nil {
		return conn, nil
	}
	r.count.refused.Add(1)
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &record) && bytes.Equal(record.RecordHeader[:], []byte(wire.Magic[:len(record.RecordHeader)])):
		text := fmt.Sprintf("remote: %s requires TLS and the caller speaks plain text; give both TLS or neither", r.self.Address)
		r.warn(CodeTLS, "connection refused", "remote", plain.RemoteAddr(), "reason", text)
		plain.Write([]byte(wire.Magic))
		refuse(plain, &remotepb.Refusal{Code: CodeTLS, Text: text}, r.cfg.AckTimeout)
	case errors.As(err, &record):
		r.warn(CodeTLS, "connection refused", "remote", plain.RemoteAddr(), "reason", "the caller does not speak TLS")
	case errors.As(err, &op) && op.Op == "remote error":
		r.warn(CodeCertificate, "connection refused by the caller", "remote", plain.RemoteAddr(),
			"reason", fmt.Sprintf("it does not accept this node's certificate, its log says why: %v", op.Err))
	case errors.As(err, new(net.Error)) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		r.log.Debug("connection ended in its TLS handshake", "remote", plain.RemoteAddr(), "reason", err)
	default:
		r.warn(CodeCertificate, "connection refused", "remote", plain.RemoteAddr(), "reason", err)
	}
	return nil, err
}

// vouched reports whether the certificate of the other side is for the address
// that it claims. Without this, any member could speak for any other, and
// end another's connections by claiming its address with a higher UID.
func vouched(conn net.Conn, address string) error {
	c := tlsOf(conn)
	if c == nil {
		return nil
	}
	state := c.ConnectionState()
	if state.Version < tls.VersionTLS13 || len(state.VerifiedChains) == 0 {
		return errors.New("its certificate was not verified") // by a hook that gave another configuration
	}
	return covers(state.PeerCertificates[0], address)
}

// logCertificate tells of a certificate that was read, the louder the sooner it ends.
func logCertificate(log *slog.Logger, leaf *x509.Certificate, now time.Time) {
	level := slog.LevelDebug
	switch left := leaf.NotAfter.Sub(now); {
	case left <= 0:
		level = slog.LevelError
	case left < leaf.NotAfter.Sub(leaf.NotBefore)/10:
		level = slog.LevelWarn
	}
	log.Log(context.Background(), level, "certificate read", "for", namesOf(leaf), "expires", leaf.NotAfter)
}
