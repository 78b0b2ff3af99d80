package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tidemark/tidemark/stream"
)

// kafkaFlags say how to reach the brokers. Secrets come from files, never from the command line.
type kafkaFlags struct {
	brokers                 []string
	tls                     bool
	ca, cert, key           string
	mechanism, user, secret string
}

func (k *kafkaFlags) register(f *pflag.FlagSet) {
	f.StringSliceVar(&k.brokers, "brokers", nil, "Kafka's seed brokers, `HOST:PORT,…`")
	f.BoolVar(&k.tls, "tls", false, "encrypt the connections to the brokers")
	f.StringVar(&k.ca, "tls-ca", "", "`FILE` with the authorities to trust instead of the system's (PEM)")
	f.StringVar(&k.cert, "tls-cert", "", "`FILE` with the client's certificate (PEM)")
	f.StringVar(&k.key, "tls-key", "", "`FILE` with the client's key (PEM)")
	f.StringVar(&k.mechanism, "sasl", "", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	f.StringVar(&k.user, "sasl-user", "", "the user")
	f.StringVar(&k.secret, "sasl-password-file", "", "`FILE` with the password; read again for every connection")
}

// apply fills the engine's options.
func (k *kafkaFlags) apply(opt *stream.Options) error {
	opt.Brokers = k.brokers
	if k.tls || k.ca != "" || k.cert != "" {
		opt.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		if k.ca != "" {
			pem, err := os.ReadFile(k.ca)
			if err != nil {
				return fmt.Errorf("--tls-ca: %w", err)
			}
			opt.TLS.RootCAs = x509.NewCertPool()
			if !opt.TLS.RootCAs.AppendCertsFromPEM(pem) {
				return fmt.Errorf("--tls-ca %s: no certificate in it; it must be PEM", k.ca)
			}
		}
		if k.cert != "" {
			pair, err := tls.LoadX509KeyPair(k.cert, k.key)
			if err != nil {
				return fmt.Errorf("--tls-cert and --tls-key: %w", err)
			}
			opt.TLS.Certificates = []tls.Certificate{pair}
		}
	}
	if k.mechanism == "" {
		return nil
	}
	if k.user == "" || k.secret == "" {
		return usage("--sasl %s needs --sasl-user and --sasl-password-file", k.mechanism)
	}
	opt.SASL = &stream.SASL{Mechanism: strings.ToUpper(k.mechanism), User: k.user, Password: func() (string, error) {
		text, err := os.ReadFile(k.secret)
		if err != nil {
			return "", fmt.Errorf("--sasl-password-file: %w", err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}}
	return nil
}
