package engine

import (
	"slices"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// describe changes what this node tells of itself. Its own counter orders the
// changes (31), so they may overtake one another on their way.
func (e *Engine) describe(d Describe) error {
	info := canonical(d.Info)
	if err := info.Validate(); err != nil {
		return faulty(err)
	}
	e.cfg.Info = info
	if !e.id.IsZero() && !sameInfo(&e.own().Own.Info, &info) {
		e.restate(e.introduce)
	}
	return nil
}

func sameInfo(a, b *member.Info) bool {
	return samePlace(a, b) && a.Version == b.Version && slices.Equal(a.Meta, b.Meta)
}
