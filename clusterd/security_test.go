package clusterd

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/remote"
)

// authority makes the files that each node of a TLS cluster has, as docs/security.md
// does by commands.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.key = a.newKey()
	template := a.template()
	template.IsCA, template.BasicConstraintsValid = true, true
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

func (a *authority) template() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), // bubbles begin in 2000
		NotAfter:     time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func (a *authority) write(name, typ string, der []byte) string {
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// files makes the three files of the node at a host.
func (a *authority) files(host string) remote.TLSFiles {
	a.t.Helper()
	key, template := a.newKey(), a.template()
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return remote.TLSFiles{
		Cert: a.write(host+".pem", "CERTIFICATE", der), Key: a.write(host+".key", "PRIVATE KEY", raw),
		CA: filepath.Join(a.dir, "ca.pem"),
	}
}

const joinSecret = "a join secret of a test, 32 byte"

// Three nodes form a cluster over mutual TLS with a join secret; who lacks either
// stays out and reads why.
func TestSecuredCluster(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	nodeTest(t, func(t *testing.T, c *cluster) {
		secured := func(address string, by *authority, secret string) Config {
			cfg := c.config(address)
			host, _, _ := strings.Cut(address, ":")
			cfg.TLSFiles, cfg.JoinSecrets, cfg.Plaintext = by.files(host), []string{secret}, false
			return cfg
		}
		var nodes []*Node
		for _, address := range []string{"a:1", "b:1", "c:1"} {
			nodes = append(nodes, c.start(secured(address, ca, joinSecret)))
		}
		for _, n := range nodes {
			c.ready(n)
		}
		for _, tt := range []struct {
			address string
			cfg     Config
			want    string
		}{
			{"d:1", secured("d:1", ca, "another secret of a test, 32 by."), "another join secret"},
			{"e:1", secured("e:1", stranger, joinSecret), "certificate"},
			{"f:1", c.config("f:1"), "TLS"},
		} {
			n := c.start(tt.cfg)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			err := n.Ready(ctx)
			cancel()
			var refused *RefusedError
			if !errors.As(err, &refused) || !strings.Contains(refused.Error(), tt.want) {
				t.Errorf("%s: got %v, want refused for its %s", tt.address, err, tt.want)
			}
		}
		for _, n := range nodes {
			if v := n.View(); len(v.Members) != 3 {
				t.Errorf("%s sees %v, want the three", n.Self().Address, v.Members)
			}
		}
	})
}

// The same over real sockets, on which plain text would be refused at the start.
func TestSecuredClusterOverLoopback(t *testing.T) {
	ca := newAuthority(t)
	files := ca.files("127.0.0.1")
	var list []string
	for range 3 {
		cfg := Config{
			Name: "test", Listen: "127.0.0.1:0", Seeds: list, FoundAlone: len(list) == 0,
			TLSFiles: files, JoinSecrets: []string{joinSecret}, Timing: engine.Fast(), Logger: slog.New(slog.DiscardHandler),
		}
		n, err := Start(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := n.Ready(ctx); err != nil {
			t.Fatal(err)
		}
		list = append(list, n.Self().Address)
	}
}

func TestPortTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, err = Start(t.Context(), Config{Name: "test", Listen: ln.Addr().String(), FoundAlone: true, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), ln.Addr().String()) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v, want the address and that it is in use", err)
	}
}
