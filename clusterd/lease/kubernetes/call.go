package kubernetes

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pando-go/pando/clusterd/lease"
)

// maxBody bounds an answer of the API server.
const maxBody = 256 << 10

// call makes one request about the Lease called name, or about all of the
// namespace for "". It returns the status of the answer, with an error unless that
// is a good one.
func (r *Register) call(ctx context.Context, method, name string, body, into *object) (code int, err error) {
	request, err := r.request(ctx, method, name, body)
	if err != nil {
		return 0, err
	}
	client, err := r.trusting()
	if err != nil {
		return 0, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	switch {
	case err != nil:
		return answer.StatusCode, err
	case len(text) > maxBody:
		return answer.StatusCode, fmt.Errorf("%w: kubernetes: an answer of more than %d bytes", lease.ErrBadRecord, maxBody)
	case answer.StatusCode/100 != 2:
		return answer.StatusCode, refusal(answer.Status, text)
	case into == nil:
		return answer.StatusCode, nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return answer.StatusCode, fmt.Errorf("%w: kubernetes: %w", lease.ErrBadRecord, err)
	}
	return answer.StatusCode, nil
}

// request is one request without its connection.
func (r *Register) request(ctx context.Context, method, name string, body *object) (*http.Request, error) {
	u, err := r.server()
	if err != nil {
		return nil, err
	}
	namespace := r.Namespace
	if namespace == "" {
		if namespace, err = r.secret("namespace"); err != nil {
			return nil, err
		}
	}
	token, err := r.secret("token")
	if err != nil {
		return nil, err
	}
	if r.Name == "" {
		return nil, fmt.Errorf("%w: Name is required", ErrConfig)
	}
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(text)
	}
	u = u.JoinPath("apis/coordination.k8s.io/v1/namespaces", namespace, "leases", name)
	request, err := http.NewRequestWithContext(ctx, method, u.String(), payload)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	switch method {
	case http.MethodPost:
		request.Header.Set("Content-Type", "application/json")
	case http.MethodPatch: // fields that are not named stay as they are
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	return request, nil
}

func (r *Register) server() (*url.URL, error) {
	api := r.API
	if api == "" {
		host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
		if host == "" || port == "" {
			return nil, fmt.Errorf("%w: not in a pod (KUBERNETES_SERVICE_HOST is not set), and API is not set", ErrConfig)
		}
		api = "https://" + net.JoinHostPort(host, port)
	}
	u, err := url.Parse(api)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%w: API %q: want an https URL", ErrConfig, api)
	}
	return u, nil
}

// secret reads one file of the service account.
func (r *Register) secret(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(cmp.Or(r.Account, Account), name))
	if err != nil {
		return "", fmt.Errorf("kubernetes: service account: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// trusting returns a client that trusts the API server's CA and nobody else, made
// anew when that changes. It does not follow redirects: the token is for this
// server.
func (r *Register) trusting() (*http.Client, error) {
	ca, err := r.secret("ca.crt")
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil && r.ca == ca {
		return r.client, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ca)) {
		return nil, fmt.Errorf("%w: ca.crt holds no certificate", ErrConfig)
	}
	if r.client != nil {
		r.client.CloseIdleConnections()
	}
	r.ca, r.client = ca, &http.Client{
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return r.client, nil
}

// Close closes the connections that are kept for the next request. The Register
// stays usable.
func (r *Register) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		r.client.CloseIdleConnections()
	}
}

// refusal tells what the API server says of its refusal: mostly which right is
// missing.
func refusal(status string, body []byte) error {
	var s struct{ Message string }
	if json.Unmarshal(body, &s) != nil || s.Message == "" {
		return fmt.Errorf("kubernetes: the API server answers %s", status)
	}
	return fmt.Errorf("kubernetes: the API server answers %s: %.300s", status, s.Message)
}
