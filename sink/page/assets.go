package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"

	"github.com/tidemark/tidemark/sink/api"
)

//go:embed templates
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// assets are the style, the script and the mark. Their addresses contain their digest, so that they are kept for ever
// and never stale.
type assets struct {
	urls   map[string]string // name → address
	bodies map[string]*api.Body
}

func loadAssets() (*assets, error) {
	a := &assets{urls: map[string]string{}, bodies: map[string]*api.Body{}}
	entries, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	for _, e := range entries {
		body, err := fs.ReadFile(assetFiles, "assets/"+e.Name())
		if err != nil {
			return nil, fmt.Errorf("page: %w", err)
		}
		kind, ok := contentTypes[path.Ext(e.Name())]
		if !ok {
			return nil, fmt.Errorf("page: asset %s has no content type", e.Name())
		}
		sum := sha256.Sum256(body)
		at := hex.EncodeToString(sum[:6]) + "/" + e.Name()
		a.urls[e.Name()] = "/assets/" + at
		a.bodies[at] = api.NewBody(kind, "public, max-age=31536000, immutable", body)
	}
	return a, nil
}

func (a *assets) url(name string) (string, error) {
	u, ok := a.urls[name]
	if !ok {
		return "", fmt.Errorf("page: no asset %q", name)
	}
	return u, nil
}

func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	body, ok := a.bodies[r.PathValue("hash")+"/"+r.PathValue("name")]
	if !ok {
		w.Header().Set("Cache-Control", "no-store") // a page of another version; its next load names the new address
		http.NotFound(w, r)
		return
	}
	body.Write(w, r)
}
