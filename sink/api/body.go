package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// Body is a whole answer: sent with a validator, compressed where that pays, not sent at all where the client has it.
type Body struct {
	Type   string // content type
	Cache  string // Cache-Control; "" is no-cache: keep it, but ask before using it
	Status int    // 0 is 200
	Bytes  []byte

	tag  string
	gzip []byte
}

// compressFrom is the size under which a gzip header costs more than it saves.
const compressFrom = 860

// NewBody prepares an answer that is sent more than once: validator and compressed form are made here, once.
func NewBody(contentType, cache string, body []byte) *Body {
	b := &Body{Type: contentType, Cache: cache, Bytes: body, tag: tagOf(body)}
	if len(body) >= compressFrom {
		b.gzip = compress(body, gzip.BestCompression)
	}
	return b
}

// Write answers r with the body. The validator is weak because the two encodings share it.
func (b *Body) Write(w http.ResponseWriter, r *http.Request) {
	if b.tag == "" {
		b.tag = tagOf(b.Bytes)
	}
	h := w.Header()
	h.Set("Content-Type", b.Type)
	cache := b.Cache
	if cache == "" {
		cache = "no-cache"
	}
	h.Set("Cache-Control", cache)
	h.Set("Vary", "Accept-Encoding")
	if cache != "no-store" {
		h.Set("ETag", b.tag)
		if matches(r.Header.Get("If-None-Match"), b.tag) {
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body := b.Bytes
	if len(body) >= compressFrom && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if b.gzip != nil {
			body = b.gzip
		} else {
			body = compress(body, gzip.BestSpeed)
		}
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if b.Status != 0 {
		w.WriteHeader(b.Status)
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client is gone or not; nobody else cares
	}
}

func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`
}

// matches compares weakly, as If-None-Match is to be (RFC 9110 §13.1.2).
func matches(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// acceptsGzip reads as much of Accept-Encoding as decides about gzip: named, or covered by *, and not refused by q=0.
func acceptsGzip(header string) bool {
	all := false
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(part, ";")
		refused := false
		if q, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q="); ok {
			v, err := strconv.ParseFloat(q, 64)
			refused = err != nil || v <= 0
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return !refused
		case "*":
			all = !refused
		}
	}
	return all
}

func compress(body []byte, level int) []byte {
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, level)
	if err != nil {
		panic(err) // the levels are constants of this file
	}
	_, _ = z.Write(body) // a bytes.Buffer takes everything
	_ = z.Close()
	return buf.Bytes()
}
