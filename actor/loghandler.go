package actor

import (
	"context"
	"log/slog"
)

// warnHandler passes on what is Warn or above.
type warnHandler struct{ slog.Handler }

func (h *warnHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

func (h *warnHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &warnHandler{h.Handler.WithAttrs(attrs)}
}

func (h *warnHandler) WithGroup(name string) slog.Handler {
	return &warnHandler{h.Handler.WithGroup(name)}
}
