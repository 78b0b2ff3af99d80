package notify

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
)

const redacted = "<redacted>"

// Secret is text that must not be printed: a webhook's URL, a routing key, a signing secret. Every way of formatting
// it gives "<redacted>"; Reveal is the only way to the text.
//
// The text is behind a pointer because fmt can't call methods on unexported fields: a struct that holds a Secret in
// one, printed with %+v, would show a string; of a pointer it shows the address.
type Secret struct{ text *string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty says that there is no text.
func (s Secret) Empty() bool { return s.Reveal() == "" }

func (s Secret) String() string                   { return redacted }
func (s Secret) GoString() string                 { return redacted }
func (s Secret) Format(f fmt.State, _ rune)       { io.WriteString(f, redacted) }
func (s Secret) MarshalText() ([]byte, error)     { return []byte(redacted), nil }
func (s Secret) LogValue() slog.Value             { return slog.StringValue(redacted) }
func (s *Secret) UnmarshalText(text []byte) error { *s = NewSecret(string(text)); return nil }

// maxSecretFile bounds a secret's file: a mistaken path must not be read whole into memory.
const maxSecretFile = 64 << 10

// ReadSecrets returns the lines of a secret's file that are neither empty nor comments (#). The error names the
// file and its cause, never its content.
func ReadSecrets(path string) ([]Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return nil, fmt.Errorf("read secret %s: %w", path, err)
	}
	if len(data) > maxSecretFile {
		return nil, fmt.Errorf("read secret %s: longer than %d bytes; is it the right file?", path, maxSecretFile)
	}
	var secrets []Secret
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			secrets = append(secrets, NewSecret(string(line)))
		}
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("read secret %s: the file is empty; put the secret on its first line", path)
	}
	return secrets, nil
}
