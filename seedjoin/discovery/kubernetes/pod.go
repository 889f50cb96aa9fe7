package kubernetes

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Account is where Kubernetes mounts a pod's service account.
const Account = "/var/run/secrets/kubernetes.io/serviceaccount"

// Pod is how a program that runs in a pod reaches the API server: by plain HTTPS
// with its service account. Its methods may be called by any goroutine at any time.
type Pod struct {
	API     string // URL of the API server; "" = from KUBERNETES_SERVICE_HOST and _PORT
	Account string // folder with token, ca.crt and namespace; "" = the constant Account
}

// Server is the address of the API server. The error tells what is wrong with the
// configuration.
func (p Pod) Server() (*url.URL, error) {
	api := p.API
	if api == "" {
		host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
		if host == "" || port == "" {
			return nil, errors.New("not in a pod (KUBERNETES_SERVICE_HOST is not set), and API is not set")
		}
		api = "https://" + net.JoinHostPort(host, port)
	}
	u, err := url.Parse(api)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("API %q: want an https URL", api)
	}
	return u, nil
}

// Secret reads a file of the service account: token, ca.crt or namespace. It is
// read anew by each call, for Kubernetes replaces the token every hour.
func (p Pod) Secret(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(cmp.Or(p.Account, Account), name))
	if err != nil {
		return "", fmt.Errorf("service account: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Client returns a client that trusts the authority whose certificates ca holds,
// in PEM, and nobody else. It does not follow redirects: the token is for this
// server. The error tells what is wrong with ca.
func Client(ca string) (*http.Client, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ca)) {
		return nil, errors.New("ca.crt holds no certificate")
	}
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// Refusal is the error of an answer that is not 2xx, with what the API server says
// in its body: mostly which right is missing.
func Refusal(status string, body []byte) error {
	var s struct{ Message string }
	if json.Unmarshal(body, &s) != nil || s.Message == "" {
		return fmt.Errorf("the API server answers %s", status)
	}
	return fmt.Errorf("the API server answers %s: %.300s", status, s.Message)
}
