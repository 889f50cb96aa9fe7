package clusterd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/remote"
)

func TestConfigFaults(t *testing.T) {
	good := Config{Name: "chat", Listen: "127.0.0.1:7001", Seeds: []string{"127.0.0.1:7001"}}
	tests := []struct {
		name  string
		spoil func(*Config)
		want  []string // each must be in the error; none = valid
	}{
		{"good", func(*Config) {}, nil},
		{"port picked by the system", func(c *Config) { c.Listen = "localhost:0" }, nil},
		{"ipv6", func(c *Config) { c.Listen = "[::1]:7001" }, nil},
		{"found alone without seeds", func(c *Config) { c.Seeds, c.FoundAlone = nil, true }, nil},
		{"beyond loopback with tls", func(c *Config) { c.Listen, c.TLS = "10.0.0.1:7001", hooked() }, nil},
		{"tls without anything", func(c *Config) { c.Listen, c.TLS = "10.0.0.1:7001", &tls.Config{} }, []string{"TLS.Certificates", "TLS.RootCAs"}},
		{"tls twice", func(c *Config) { c.TLS, c.TLSFiles.Cert = hooked(), "x" }, []string{"TLS and TLSFiles"}},
		{"tls files that are not there", func(c *Config) {
			c.TLSFiles = remote.TLSFiles{Cert: "no-cert", Key: "no-key", CA: "no-ca"}
		}, []string{"TLSFiles: ", "no-cert"}},
		{"short secret", func(c *Config) { c.JoinSecrets = []string{"hunter2"} }, []string{"join secret 1 has 7 bytes", "openssl"}},
		{"secret file that is not there", func(c *Config) { c.JoinSecretFile = "no-file" }, []string{"SecretFile: ", "no-file"}},
		{"reserved name exposed", func(c *Config) { c.Expose = []string{"$guardian"} }, []string{`Expose: "$guardian"`}},
		{"security in the transport", func(c *Config) { c.Transport.Secrets = []string{"x"} }, []string{"in Transport, "}},
		{"transport limit", func(c *Config) { c.Transport.MaxConns = -1 }, []string{"MaxConns is negative"}},
		{"beyond loopback in plain text", func(c *Config) { c.Listen, c.Plaintext = "10.0.0.1:7001", true }, nil},
		{"no name", func(c *Config) { c.Name = "" }, []string{`Name ""`}},
		{"name with a space", func(c *Config) { c.Name = "my chat" }, []string{`Name "my chat"`}},
		{"listen without port", func(c *Config) { c.Listen = "localhost" }, []string{`Listen "localhost": want host:port`}},
		{"port too large", func(c *Config) { c.Listen = "localhost:70000" }, []string{"0 to 65535"}},
		{"all interfaces", func(c *Config) { c.Listen, c.Plaintext = ":7001", true }, []string{"Advertise: required"}},
		{"advertise all interfaces", func(c *Config) { c.Advertise = "0.0.0.0:7001" }, []string{"others cannot connect"}},
		{"advertise port 0", func(c *Config) { c.Advertise = "h:0" }, []string{"port 0 cannot be reached"}},
		{"no seeds", func(c *Config) { c.Seeds = nil }, []string{"Seeds: want at least one"}},
		{"bad seed", func(c *Config) { c.Seeds = []string{"here"} }, []string{`Seeds: "here"`}},
		{"plain text beyond loopback", func(c *Config) { c.Listen = "10.0.0.1:7001" }, []string{"without TLS"}},
		{"much meta", func(c *Config) { c.Meta = map[string]string{"k": strings.Repeat("x", 1024)} }, []string{"Meta: 1025 bytes"}},
		{"negative leave timeout", func(c *Config) { c.LeaveTimeout = -time.Second }, []string{"LeaveTimeout"}},
		{"downing", func(c *Config) { c.Downing = downing.StaticQuorum{Size: 2} }, nil},
		{"static quorum of nobody", func(c *Config) { c.Downing = downing.StaticQuorum{} }, []string{"Downing: ", "static-quorum:SIZE"}},
		{"referee without address", func(c *Config) { c.Downing = downing.KeepReferee{} }, []string{"Downing: ", "keep-referee:HOST:PORT"}},
		{"minimums", func(c *Config) { c.MinMembers, c.MinByRole = -1, map[string]int{"store": -2} }, []string{"MinMembers -1", `MinByRole["store"] -2`}},
		{"minimum beyond the limit", func(c *Config) { c.Downing, c.MinMembers = downing.StaticQuorum{Size: 2}, 4 }, []string{"MinMembers 4: Downing static-quorum:2 allows 3"}},
		{"unknown gossip", func(c *Config) { c.Gossip = 99 }, []string{"Gossip: "}},
		{"fanout", func(c *Config) { c.GossipFanout = -1 }, []string{"GossipFanout -1"}},
		{"nil service", func(c *Config) { c.Services = []Service{nil} }, []string{"Services[0] is nil"}},
		{"all at once", func(c *Config) { c.Name, c.Listen, c.Seeds = "", "", nil }, []string{"Name", "Listen", "Seeds"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.spoil(&c)
			err := c.validate()
			if len(tt.want) == 0 && err != nil {
				t.Fatalf("validate() = %v, want nil", err)
			}
			for _, w := range tt.want {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("validate() = %v, want it to contain %q", err, w)
				}
			}
		})
	}
}

// hooked is TLS whose certificates are found when they are needed.
func hooked() *tls.Config {
	return &tls.Config{
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("none") },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return nil, errors.New("none") },
		RootCAs:              x509.NewCertPool(),
	}
}

func TestConfigInfoIsSorted(t *testing.T) {
	c := Config{Roles: []string{"web", "api", "web"}, Meta: map[string]string{"b": "2", "a": "1"}}
	info := c.info([]string{"room", "lobby"})
	got := strings.Join(info.Roles, " ") + "|" + strings.Join(info.Kinds, " ") + "|" + info.Meta[0].Key + info.Meta[1].Key
	if want := "api web|lobby room|ab"; got != want {
		t.Errorf("info = %q, want %q", got, want)
	}
}
