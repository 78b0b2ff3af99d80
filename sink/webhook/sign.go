package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// Sign returns the value of webhook-signature: for each secret "v1," and the base64 of HMAC-SHA256 over
// "id.timestamp.body" with the timestamp in whole seconds, separated by spaces. Source: Standard Webhooks 1.0,
// "Signature scheme".
func Sign(secrets []notify.Secret, id string, at time.Time, body []byte) (string, error) {
	if strings.ContainsRune(id, '.') {
		return "", errors.New("webhook: an id with a dot could be confused with the timestamp")
	}
	signatures := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		key, err := decodeSecret(secret)
		if err != nil {
			return "", err
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(signatures, " "), nil
}

func decodeSecret(secret notify.Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(secret.Reveal(), "whsec_")
	if !ok {
		return nil, errors.New("webhook: a signing secret begins with whsec_, then base64")
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("webhook: the signing secret is not base64 after whsec_")
	}
	if len(key) < 24 || len(key) > 64 {
		return nil, errors.New("webhook: a signing secret has 24 to 64 random bytes")
	}
	return key, nil
}
