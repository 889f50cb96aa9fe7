package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

const (
	oneSecret   = "one secret of a test, 32 bytes.."
	otherSecret = "another secret of a test, 32 by."
)

// logged keeps what a node logs.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// has tells whether one line has all the words.
func (l *logged) has(words ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
line:
	for line := range strings.Lines(l.b.String()) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue line
			}
		}
		return true
	}
	return false
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// log makes a node log into l, from Info on.
func (l *logged) config(c *Config) { c.Logger = slog.New(slog.NewTextHandler(l, nil)) }

// TestStrangersGetInNowhere: docs/security.md has this table for operators.
func TestStrangersGetInNowhere(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	secured := func(a *authority, hosts ...string) func(*Config) {
		return func(c *Config) { c.TLS = a.config(hosts...) }
	}
	secrets := func(s ...string) func(*Config) { return func(c *Config) { c.Secrets = s } }
	plain := func(*Config) {}
	for _, tt := range []struct {
		name           string
		stranger, node func(*Config)
		cluster        string
		change         func(node *node)
		code           string
		here, there    string // what the operators of the node and of the stranger read
	}{
		{"certificate of another authority", secured(other, "a"), secured(ca, "b"), "test", nil,
			CodeCertificate, "does not accept this node's certificate", "a certificate that is not accepted here"},
		{"authority that only the stranger trusts", func(c *Config) {
			c.TLS = other.config("a")
			c.TLS.RootCAs = both(ca, other)
			c.TLS.ClientCAs = c.TLS.RootCAs
		}, secured(ca, "b"), "test", nil,
			CodeCertificate, "unknown authority", "does not accept this node's certificate"},
		{"certificate of another node", func(c *Config) { c.TLS = ca.pretend("c") }, secured(ca, "b"), "test", nil,
			CodeCertificate, "not for a:1 but for c", "not for a:1 but for c"},
		{"certificate of a node that is not the one dialled", secured(ca, "a"), func(c *Config) { c.TLS = ca.pretend("c") }, "test", nil,
			CodeCertificate, "does not accept this node's certificate", "valid for c, not b"},
		{"plain text against TLS", plain, secured(ca, "b"), "test", nil,
			CodeTLS, "the caller speaks plain text", "requires TLS"},
		{"TLS against plain text", secured(ca, "a"), plain, "test", nil,
			CodeMalformed, "the caller speaks TLS", "does not answer in TLS"},
		{"another secret", secrets(otherSecret), secrets(oneSecret), "test", nil,
			CodeSecret, "a:1 has another join secret than b:1", "a:1 has another join secret than b:1"},
		{"no secret", plain, secrets(oneSecret), "test", nil,
			CodeSecret, "a:1 has none", "b:1 asks for the join secret, and a:1 has none"},
		{"a secret where there is none", secrets(oneSecret), plain, "test", nil,
			CodeSecret, "b:1 has none", "b:1 has none"},
		{"a secret that was replaced", secrets(oneSecret), secrets(otherSecret, "a third secret of a test, 32 by."), "test", nil,
			CodeSecret, "another join secret", "another join secret"},
		{"another secret within TLS", func(c *Config) { secured(ca, "a")(c); c.Secrets = []string{otherSecret} },
			func(c *Config) { secured(ca, "b")(c); c.Secrets = []string{oneSecret} }, "test", nil,
			CodeSecret, "another join secret", "another join secret"},
		{"another cluster", plain, plain, "tset", nil,
			CodeCluster, `\"tset\"`, `belongs to cluster \"test\"`},
		{"another version", func(c *Config) { c.versions = wire.Versions{Min: 7, Max: 9} }, plain, "test", nil,
			CodeVersion, "speaks 7 to 9", "speaks protocol versions 1 to 1"},
		{"stale UID", plain, plain, "test", func(n *node) { n.r.Known(Node{"a:1", 4}) },
			CodeUID, "was followed by UID 4", "was followed by UID 4"},
		{"stale UID, with the secret", secrets(oneSecret), secrets(oneSecret), "test", func(n *node) { n.r.Known(Node{"a:1", 4}) },
			CodeUID, "was followed by UID 4", "was followed by UID 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				var here, there logged
				b := c.startAs("test", "b:1", 2, tt.node, here.config)
				if tt.change != nil {
					tt.change(b)
				}
				mallory := c.startAs(tt.cluster, "a:1", 3, tt.stranger, there.config)
				mallory.tell(b.pid("box/1"), "let me in")
				log := mallory.handle("svc")
				b.handle("svc")
				mallory.r.Post(Node{"b:1", 0}, "svc", []byte("me too"))
				time.Sleep(time.Second)
				synctest.Wait()
				if s := b.r.Stats(); s.Accepted != 0 || s.Received != 0 || s.Control != 0 || s.Inbound != 0 {
					t.Errorf("got %+v, want nothing accepted nor received", s)
				}
				if _, failed := log.take(); len(failed) != 1 {
					t.Errorf("got %d failures of the post, want 1: %v", len(failed), failed)
				}
				if tt.change == nil {
					if p := b.r.peers["a:1"]; p != nil {
						t.Errorf("the stranger's claim made a peer of UID %d", p.uid)
					}
				}
				if !here.has("code="+tt.code, tt.here) {
					t.Errorf("the node's operator reads %s, want code=%s and %q", &here, tt.code, tt.here)
				}
				if code := tt.code; !there.has("code="+code, tt.there) && !there.has("code="+CodeTLS, tt.there) {
					t.Errorf("the stranger's operator reads %s, want code=%s and %q", &there, code, tt.there)
				}
			})
		})
	}
}

func both(as ...*authority) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, a := range as {
		pool.AddCert(a.cert)
	}
	return pool
}

// TestMembersGetIn is the other half: what is well configured connects.
func TestMembersGetIn(t *testing.T) {
	ca := newAuthority(t)
	secure := func(host string) func(*Config) { return func(c *Config) { c.TLS = ca.config(host) } }
	secrets := func(s ...string) func(*Config) { return func(c *Config) { c.Secrets = s } }
	join := func(fs ...func(*Config)) func(*Config) {
		return func(c *Config) {
			for _, f := range fs {
				f(c)
			}
		}
	}
	for _, tt := range []struct {
		name string
		a, b func(*Config)
	}{
		{"TLS", secure("a"), secure("b")},
		{"TLS with the port in a URI", func(c *Config) { c.TLS = ca.config("a", "pando://a:1") }, secure("b")},
		{"secret", secrets(oneSecret), secrets(oneSecret)},
		{"secret, rotated on one", secrets(oneSecret), secrets(oneSecret, otherSecret)},
		{"secret, rotated on both", secrets(oneSecret, otherSecret), secrets(otherSecret, oneSecret)},
		{"both", join(secure("a"), secrets(oneSecret)), join(secure("b"), secrets(oneSecret))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a, b := c.start("a:1", 1, tt.a), c.start("b:1", 2, tt.b)
				a.tell(b.pid("box/1"), "from a")
				b.tell(a.pid("box/1"), "from b")
				time.Sleep(time.Second)
				wantTexts(t, "at b", b.texts("box/1"), "from a")
				wantTexts(t, "at a", a.texts("box/1"), "from b")
			})
		})
	}
}

// tap records what is written by the side that dials.
type tap struct {
	net.Conn
	mu      sync.Mutex
	written []byte
}

func (t *tap) Write(b []byte) (int, error) {
	t.mu.Lock()
	t.written = append(t.written, b...)
	t.mu.Unlock()
	return t.Conn.Write(b)
}

func (t *tap) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.written)
}

func TestReplayedHandshakeGetsInNowhere(t *testing.T) {
	bubble(t, func(c *cluster) {
		var log logged
		b := c.start("b:1", 2, log.config, func(c *Config) { c.Secrets = []string{oneSecret} })
		var seen tap
		a := c.start("a:1", 1, func(cfg *Config) {
			cfg.Secrets = []string{oneSecret}
			cfg.Dial = func(ctx context.Context, address string) (net.Conn, error) {
				conn, err := c.Dial(ctx, "a:1", address)
				seen.Conn = conn
				return &seen, err
			}
		})
		a.tell(b.pid("box/1"), "once")
		synctest.Wait()
		a.close()
		accepted := b.r.Stats().Accepted
		conn := c.raw(b)
		conn.Write(seen.bytes()) // the whole session, message and all
		io.Copy(io.Discard, conn)
		conn.Close()
		synctest.Wait()
		wantTexts(t, "at b", b.texts("box/1"), "once")
		if got := b.r.Stats().Accepted; got != accepted {
			t.Errorf("got %d connections accepted, want %d", got, accepted)
		}
		if !log.has("code=secret", "another join secret") {
			t.Errorf("the operator reads %s", &log)
		}
	})
}

// TestReflectedProofGetsInNowhere: who does not know the secret cannot let the
// node that asks for it make the proof itself.
func TestReflectedProofGetsInNowhere(t *testing.T) {
	bubble(t, func(c *cluster) {
		b := c.start("b:1", 2, func(c *Config) { c.Secrets = []string{oneSecret} })
		ln, err := c.Listen("m:1")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		conn := c.raw(b)
		defer conn.Close()
		frames := wire.NewReader(conn)
		conn.Write(append([]byte(wire.Magic), frame(t, wire.KindHello, hello(func(h *remotepb.Hello) {
			h.Address, h.Nonce = "m:1", newNonce()
		}))...))
		if err := frames.Magic(); err != nil {
			t.Fatal(err)
		}
		k, body, err := frames.Next()
		if err != nil || k != wire.KindChallenge {
			t.Fatalf("got %v, %v, want a challenge", k, err)
		}
		challenge, err := wire.ParseChallenge(k, body)
		if err != nil {
			t.Fatal(err)
		}
		// b dials m, which asks it for the proof that m needs.
		b.tell(&pa.PID{Address: "m:1", Id: "box/1"}, "x")
		back, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer back.Close()
		backFrames := wire.NewReader(back)
		backFrames.Magic()
		backFrames.Next()
		back.Write(append([]byte(wire.Magic), frame(t, wire.KindChallenge, challenge)...))
		k, body, err = backFrames.Next()
		if err != nil || k != wire.KindProof {
			t.Fatalf("got %v, %v, want a proof", k, err)
		}
		proof := append([]byte{0, 0, 0, byte(len(body) + 1), byte(wire.KindProof)}, body...)
		conn.Write(proof)
		k, body, err = frames.Next()
		if err != nil || k != wire.KindRefusal || !bytes.Contains(body, []byte(CodeSecret)) {
			t.Errorf("got %v %q, %v, want refused", k, body, err)
		}
	})
}

// TestAnswerWithoutProofIsNotBelieved: who took over an address does not get the
// messages for the node that had it.
func TestAnswerWithoutProofIsNotBelieved(t *testing.T) {
	welcome := &remotepb.Welcome{Version: 1, Cluster: "test", Address: "b:1", Uid: 99, MaxMessage: 1 << 20}
	for name, answers := range map[string][]byte{
		"no challenge": frame(t, wire.KindWelcome, welcome),
		"forged proof": append(append(frame(t, wire.KindChallenge, &remotepb.Challenge{Nonce: newNonce()}),
			frame(t, wire.KindWelcome, welcome)...), frame(t, wire.KindProof, &remotepb.Proof{Mac: newNonce()})...),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				var log logged
				a := c.start("a:1", 1, log.config, func(c *Config) { c.Secrets = []string{oneSecret} })
				ln, err := c.Listen("b:1")
				if err != nil {
					t.Fatal(err)
				}
				defer ln.Close()
				a.tell(&pa.PID{Address: "b:1", Id: "box/1"}, "for b only")
				conn, err := ln.Accept()
				if err != nil {
					t.Fatal(err)
				}
				conn.Write(append([]byte(wire.Magic), answers...))
				got, _ := io.ReadAll(conn)
				conn.Close()
				synctest.Wait()
				if bytes.Contains(got, []byte("for b only")) {
					t.Error("the message went to somebody who did not prove the secret")
				}
				if p := a.r.peers["b:1"]; p.uid != 0 {
					t.Errorf("the impostor's UID %d was believed", p.uid)
				}
				if !log.has("code=secret") {
					t.Errorf("the operator reads %s", &log)
				}
			})
		})
	}
}

// TestCertificatesAreReplaced walks through the rotation of docs/security.md: a
// new authority, then new certificates, then the old authority goes. A broken
// file on the way harms nothing.
func TestCertificatesAreReplaced(t *testing.T) {
	dirs := map[string]string{"a": t.TempDir(), "b": t.TempDir()}
	bubble(t, func(c *cluster) {
		old, next := newAuthority(t), newAuthority(t)
		var log logged
		files := map[string]TLSFiles{}
		nodes := map[string]*node{}
		for i, host := range []string{"a", "b"} {
			files[host] = old.files(dirs[host], []*authority{old}, host)
			nodes[host] = c.start(host+":1", uint64(i+1), log.config, func(c *Config) { c.TLSFiles = files[host] })
		}
		round := 0
		connects := func(what string) {
			t.Helper()
			round++
			c.Reset("a:1", "b:1") // so that a new handshake is made
			time.Sleep(3 * time.Second)
			text := string(rune('0' + round))
			nodes["a"].tell(nodes["b"].pid("box/"+text), text)
			time.Sleep(time.Second)
			wantTexts(t, what, nodes["b"].texts("box/"+text), text)
		}
		connects("at first")
		old.files(dirs["a"], []*authority{old, next}, "a")
		connects("one trusts both")
		old.files(dirs["b"], []*authority{old, next}, "b")
		connects("both trust both")
		next.files(dirs["a"], []*authority{old, next}, "a")
		connects("one has a new certificate")
		next.files(dirs["b"], []*authority{next}, "b")
		connects("the other too, and trusts the new authority only")

		write(t, files["a"].Key, []byte("not a key"))
		connects("a broken key is not used")
		if !log.has("ERROR", "the former stay in force", "key") {
			t.Errorf("the operator reads %s", &log)
		}
		os.Remove(files["a"].Cert)
		connects("nor is a missing certificate")
		next.files(dirs["a"], []*authority{next}, "c")
		connects("nor one for another host")
		if !log.has("ERROR", "not for a:1 but for c") {
			t.Errorf("the operator reads %s", &log)
		}
		next.files(dirs["a"], []*authority{next}, "a")
		connects("and the next good one is")

		old.files(dirs["a"], []*authority{next}, "a") // whom nobody trusts any more
		time.Sleep(2 * time.Second)
		c.Reset("a:1", "b:1")
		nodes["a"].tell(nodes["b"].pid("box/x"), "x")
		time.Sleep(3 * time.Second)
		wantTexts(t, "with a certificate of the old authority", nodes["b"].texts("box/x"))
	})
}

func TestSecretsAreReplaced(t *testing.T) {
	dir := t.TempDir()
	bubble(t, func(c *cluster) {
		path := func(host string) string { return filepath.Join(dir, host) }
		nodes := map[string]*node{}
		for i, host := range []string{"a", "b"} {
			write(t, path(host), []byte("# join secrets\n\n"+oneSecret+"\n"))
			nodes[host] = c.start(host+":1", uint64(i+1), func(c *Config) { c.SecretFile = path(host) })
		}
		for i, step := range []struct{ a, b string }{
			{oneSecret, oneSecret},
			{oneSecret + "\n" + otherSecret, oneSecret},
			{oneSecret + "\n" + otherSecret, oneSecret + "\n" + otherSecret},
			{otherSecret + "\n" + oneSecret, oneSecret + "\n" + otherSecret},
			{otherSecret, otherSecret},
			{"short", otherSecret}, // not used
		} {
			write(t, path("a"), []byte(step.a))
			write(t, path("b"), []byte(step.b))
			time.Sleep(2 * time.Second)
			c.Reset("a:1", "b:1")
			text := string(rune('0' + i))
			nodes["a"].tell(nodes["b"].pid("box/"+text), text)
			time.Sleep(3 * time.Second)
			wantTexts(t, "step "+text, nodes["b"].texts("box/"+text), text)
		}
	})
}

func TestPlaintextMustBeAskedFor(t *testing.T) {
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	sys := newFake("test", "127.0.0.1:7000", 1)
	defer func() { time.Sleep(10 * time.Millisecond) }()
	if _, err := listen(sys, ln, Config{}); err == nil || !strings.Contains(err.Error(), "Plaintext if that is meant") {
		t.Errorf("got %v, want it to say how", err)
	}
}

func TestConfigFaultsAreReportedAtOnce(t *testing.T) {
	ca := newAuthority(t)
	conf := ca.config("c")
	conf.InsecureSkipVerify, conf.ServerName, conf.RootCAs = true, "x", nil
	err := Config{
		TLS: conf, Secrets: []string{"short"}, Expose: []string{"$guardian"}, MaxConns: -1,
	}.Check("a:1")
	for _, want := range []string{
		"InsecureSkipVerify", "ServerName", "RootCAs", "not for a:1 but for c", "join secret 1", "$guardian", "MaxConns",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	if strings.Contains(err.Error(), "short") {
		t.Errorf("the error shows a secret: %v", err)
	}
	err = Config{TLSFiles: TLSFiles{Cert: "x"}, SecretFile: "y", Secrets: []string{oneSecret}}.Check("a:1")
	for _, want := range []string{"want Cert, Key and CA", "both Secrets"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

// A hook that returns a lax configuration does not let anybody in.
func TestLaxTLSHook(t *testing.T) {
	ca := newAuthority(t)
	bubble(t, func(c *cluster) {
		b := c.start("b:1", 2, func(c *Config) {
			c.TLS = ca.config("b")
			lax := ca.config("b")
			c.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return lax, nil }
		})
		a := c.start("a:1", 1, func(c *Config) { c.TLS = ca.config("a") })
		a.tell(b.pid("box/1"), "x")
		time.Sleep(time.Second)
		wantTexts(t, "at b", b.texts("box/1"))
		if s := b.r.Stats(); s.Accepted != 0 || s.Refused == 0 {
			t.Errorf("got %+v, want refused", s)
		}
	})
}

func TestRefusalsAreLoggedAtABoundedRate(t *testing.T) {
	bubble(t, func(c *cluster) {
		var log logged
		b := c.start("b:1", 2, log.config, func(c *Config) { c.MaxHandshakesPerHost = 1000 })
		for range 100 {
			conn := c.raw(b)
			conn.Write(append([]byte(wire.Magic), frame(t, wire.KindHello, hello(func(h *remotepb.Hello) { h.Cluster = "x" }))...))
			io.Copy(io.Discard, conn)
			conn.Close()
		}
		if n := strings.Count(log.String(), "code=cluster"); n != warnBurst {
			t.Errorf("got %d lines, want %d", n, warnBurst)
		}
		synctest.Wait()
		time.Sleep(warnWindow)
		conn := c.raw(b)
		conn.Write(append([]byte(wire.Magic), frame(t, wire.KindHello, hello(func(h *remotepb.Hello) { h.Cluster = "x" }))...))
		io.Copy(io.Discard, conn)
		conn.Close()
		synctest.Wait()
		if !log.has("code=cluster", fmt.Sprint("left_out=", 100-warnBurst)) {
			t.Errorf("got %s, want to read how many were left out", &log)
		}
		if s := b.r.Stats(); s.Refused != 101 {
			t.Errorf("got %d refused, want 101", s.Refused)
		}
	})
}
