package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/pando-go/pando/clusterd/lease"
	"github.com/pando-go/pando/seedjoin/discovery/kubernetes"
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
		return answer.StatusCode, fmt.Errorf("kubernetes: %w", kubernetes.Refusal(answer.Status, text))
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
	u, err := r.pod().Server()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	namespace := r.Namespace
	if namespace == "" {
		if namespace, err = r.pod().Secret("namespace"); err != nil {
			return nil, fmt.Errorf("kubernetes: %w", err)
		}
	}
	token, err := r.pod().Secret("token")
	if err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
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

func (r *Register) pod() kubernetes.Pod {
	return kubernetes.Pod{API: r.API, Account: r.Account}
}

// trusting returns a client that trusts the API server's authority, made anew when
// that changes.
func (r *Register) trusting() (*http.Client, error) {
	ca, err := r.pod().Secret("ca.crt")
	if err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil && r.ca == ca {
		return r.client, nil
	}
	client, err := kubernetes.Client(ca)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if r.client != nil {
		r.client.CloseIdleConnections()
	}
	r.ca, r.client = ca, client
	return client, nil
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
