package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pando-go/pando/clusterd/lease"
)

// ErrConfig is wrapped in errors that trying again cannot mend.
var ErrConfig = errors.New("kubernetes: bad configuration")

// Register is a lease.Register.
type Register struct {
	Name      string // of the Lease; required. It is created when it is not there
	Namespace string // "" = the pod's own
	API       string // "" = https at KUBERNETES_SERVICE_HOST and _PORT; a URL such as https://10.0.0.1:6443
	Account   string // folder of the service account; "" = where Kubernetes mounts it

	mu     sync.Mutex
	ca     string       // that client trusts
	client *http.Client // nil before the first request
}

var _ lease.Register = (*Register)(nil)

// Annotations of the Lease.
const (
	sequenceKey = "pando-go/sequence"
	numberKey   = "pando-go/number"
	ttlKey      = "pando-go/ttl"
	noteKey     = "pando-go/note"
)

// object is what is read and written of a Lease. A nil pointer in a patch takes
// the field away.
type object struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       spec     `json:"spec"`
}

type metadata struct {
	Name            string            `json:"name,omitempty"`
	ResourceVersion string            `json:"resourceVersion,omitempty"`
	Annotations     map[string]string `json:"annotations"`
}

type spec struct {
	HolderIdentity       *string `json:"holderIdentity"`
	LeaseDurationSeconds int64   `json:"leaseDurationSeconds"`
	LeaseTransitions     int64   `json:"leaseTransitions"`
	RenewTime            string  `json:"renewTime,omitempty"`
}

// Load implements lease.Register.
func (r *Register) Load(ctx context.Context) (lease.Record, error) {
	o := new(object)
	switch code, err := r.call(ctx, http.MethodGet, r.Name, nil, o); {
	case code == http.StatusNotFound:
		return lease.Record{}, nil
	case err != nil:
		return lease.Record{}, err
	}
	return o.record()
}

// Swap implements lease.Register. The API server compares the version of the
// record, and creates no object twice.
func (r *Register) Swap(ctx context.Context, old, next lease.Record) error {
	o := objectOf(next)
	method, name := http.MethodPatch, r.Name
	if old.Version == "" {
		method, name, o.Metadata.Name = http.MethodPost, "", r.Name
	}
	o.Metadata.ResourceVersion = old.Version
	code, err := r.call(ctx, method, name, o, nil)
	if code == http.StatusConflict || code == http.StatusNotFound {
		return fmt.Errorf("%w: %w", lease.ErrConflict, err)
	}
	return err
}

// record reads a Lease. One without our annotations, which somebody made by hand
// or for something else, is not touched.
func (o *object) record() (lease.Record, error) {
	rec := lease.Record{Note: o.Metadata.Annotations[noteKey], Version: o.Metadata.ResourceVersion}
	if o.Spec.HolderIdentity != nil {
		rec.Owner = *o.Spec.HolderIdentity
	}
	var errs [3]error
	rec.Sequence, errs[0] = strconv.ParseUint(o.Metadata.Annotations[sequenceKey], 10, 64)
	rec.Number, errs[1] = strconv.ParseUint(o.Metadata.Annotations[numberKey], 10, 64)
	rec.TTL, errs[2] = time.ParseDuration(o.Metadata.Annotations[ttlKey])
	if rec.Version == "" {
		return lease.Record{}, fmt.Errorf("%w: kubernetes: it has no resourceVersion", lease.ErrBadRecord)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return lease.Record{}, fmt.Errorf("%w: kubernetes: %w", lease.ErrBadRecord, err)
	}
	return rec, nil
}

func objectOf(rec lease.Record) *object {
	o := &object{APIVersion: "coordination.k8s.io/v1", Kind: "Lease"}
	o.Metadata.Annotations = map[string]string{
		sequenceKey: strconv.FormatUint(rec.Sequence, 10),
		numberKey:   strconv.FormatUint(rec.Number, 10),
		ttlKey:      rec.TTL.String(),
		noteKey:     rec.Note,
	}
	o.Spec = spec{
		LeaseDurationSeconds: max(1, int64((rec.TTL+time.Second-1)/time.Second)),
		LeaseTransitions:     int64(min(rec.Number, 1<<31-1)),
		RenewTime:            time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00"),
	}
	if rec.Owner != "" {
		o.Spec.HolderIdentity = &rec.Owner
	}
	return o
}
