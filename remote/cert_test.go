package remote

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for tests.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: testEra(0), NotAfter: testEra(100),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t, cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// testEra has both the real time and that of synctest bubbles, which begins in 2000.
func testEra(years int) time.Time { return time.Date(1999+years, 1, 1, 0, 0, 0, 0, time.UTC) }

// issue makes a certificate for hosts: names, IP addresses or URIs.
func (a *authority) issue(hosts ...string) (cert, key []byte) {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "node"},
		NotBefore: testEra(0), NotAfter: testEra(100),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, h := range hosts {
		if u, err := url.Parse(h); err == nil && u.Scheme == "pando" {
			template.URIs = append(template.URIs, u)
		} else if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	k := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &k.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// config is TLS with a certificate for hosts.
func (a *authority) config(hosts ...string) *tls.Config {
	a.t.Helper()
	cert, err := tls.X509KeyPair(a.issue(hosts...))
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool}
}

// pretend is the configuration of a node that shows the certificate of another.
func (a *authority) pretend(hosts ...string) *tls.Config {
	conf := a.config(hosts...)
	cert := conf.Certificates[0]
	conf.Certificates = nil
	conf.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }
	conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	return conf
}

// files writes what TLSFiles names, for a node that trusts the authorities.
func (a *authority) files(dir string, trusted []*authority, hosts ...string) TLSFiles {
	a.t.Helper()
	f := TLSFiles{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem")}
	cert, key := a.issue(hosts...)
	var ca [][]byte
	for _, t := range trusted {
		ca = append(ca, t.pem)
	}
	write(a.t, f.Cert, cert)
	write(a.t, f.Key, key)
	write(a.t, f.CA, bytes.Join(ca, nil))
	return f
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCovers(t *testing.T) {
	a := newAuthority(t)
	for _, tt := range []struct {
		name    string
		hosts   []string
		address string
		want    string // in the error; "" = covered
	}{
		{"name", []string{"n1.example", "n1"}, "n1:7000", ""},
		{"wildcard", []string{"*.example"}, "n1.example:7000", ""},
		{"IPv4", []string{"10.0.0.1"}, "10.0.0.1:7000", ""},
		{"IPv6", []string{"fd00::1"}, "[fd00::1]:7000", ""},
		{"IPv6 in another spelling", []string{"fd00::1"}, "[fd00:0::1]:7000", ""},
		{"another name", []string{"n1"}, "n2:7000", "not for n2:7000 but for n1"},
		{"another IP address", []string{"10.0.0.1"}, "10.0.0.2:7000", "10.0.0.1"},
		{"IP address as a name", []string{"n1"}, "10.0.0.1:7000", "not for"},
		{"nothing", nil, "n1:7000", "nobody"},
		{"this port", []string{"n1", "pando://n1:7000"}, "n1:7000", ""},
		{"one of two ports", []string{"n1", "pando://n1:7000", "pando://n1:7001"}, "n1:7001", ""},
		{"another port", []string{"n1", "pando://n1:7000"}, "n1:7001", "pando://n1:7000"},
		{"no host", []string{"n1"}, "n1", "missing port"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conf := a.config(tt.hosts...)
			leaf, err := x509.ParseCertificate(conf.Certificates[0].Certificate[0])
			if err != nil {
				t.Fatal(err)
			}
			err = covers(leaf, tt.address)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
