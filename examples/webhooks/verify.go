package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// Verify tells whether rawBody was signed with secret in the last five minutes.
func Verify(rawBody []byte, header, secret string) bool {
	fields := map[string]string{}
	for _, field := range strings.Split(header, ",") {
		name, value, _ := strings.Cut(field, "=")
		fields[name] = value
	}
	sent, err := strconv.ParseInt(fields["t"], 10, 64)
	if err != nil || time.Since(time.Unix(sent, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(fields["t"] + "."))
	mac.Write(rawBody)
	given, err := hex.DecodeString(fields["v0"])
	return err == nil && hmac.Equal(given, mac.Sum(nil))
}
