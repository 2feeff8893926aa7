// Prints the envelope hash of each message on standard input, one JSON object a line. Go 1.19 or later.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"os"
	"sort"
	"strings"
	"time"
	"unicode/utf16"
)

// Message is a message as it is stored: Ts is not finer than a microsecond.
type Message struct {
	ID        string    `json:"id"`
	TraceID   string    `json:"trace_id"`
	SpanID    string    `json:"span_id"`
	FromAgent string    `json:"from_agent"`
	ToAgent   string    `json:"to_agent"`
	Type      string    `json:"type"`
	Payload   any       `json:"payload"`
	Metadata  any       `json:"metadata"`
	Cost      any       `json:"cost"`
	Ts        time.Time `json:"ts"`
}

// EnvelopeHash is SHA-256 of the canonical envelope.
func EnvelopeHash(m Message) (string, error) {
	envelope, err := Canonical(map[string]any{
		"cost":     m.Cost,
		"from":     m.FromAgent,
		"id":       strings.ToLower(m.ID),
		"metadata": m.Metadata,
		"payload":  m.Payload,
		"span_id":  m.SpanID,
		"to":       m.ToAgent,
		"trace_id": m.TraceID,
		"ts":       m.Ts.UTC().Format("2006-01-02T15:04:05.999999Z"),
		"type":     m.Type,
	})
	return fmt.Sprintf("%x", sha256.Sum256(envelope)), err
}

// Canonical is the canonical JSON of anything that json.Marshal takes. What that escapes, reading it again undoes.
func Canonical(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var plain any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&plain); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	write(&out, plain)
	return out.Bytes(), nil
}

func write(out *bytes.Buffer, value any) {
	switch value := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(value))
		for key := range value {
			keys = append(keys, key)
		}
		sort.Slice(keys, func(i, j int) bool { return codeUnits(keys[i]) < codeUnits(keys[j]) })
		out.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				out.WriteByte(',')
			}
			writeString(out, key)
			out.WriteByte(':')
			write(out, value[key])
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, item := range value {
			if i > 0 {
				out.WriteByte(',')
			}
			write(out, item)
		}
		out.WriteByte(']')
	case string:
		writeString(out, value)
	case json.Number:
		out.WriteString(number(value))
	case nil:
		out.WriteString("null")
	default:
		fmt.Fprint(out, value) // true and false
	}
}

// codeUnits gives a text's UTF-16, by which keys are sorted: Go's own order of strings is that of UTF-8.
func codeUnits(text string) string {
	var bytes []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		bytes = append(bytes, byte(unit>>8), byte(unit))
	}
	return string(bytes)
}

var escapes = map[rune]string{
	'"': `\"`, '\\': `\\`, '\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`, '\r': `\r`,
}

func writeString(out *bytes.Buffer, text string) {
	out.WriteByte('"')
	for _, char := range text {
		if escape, ok := escapes[char]; ok {
			out.WriteString(escape)
		} else if char < ' ' {
			fmt.Fprintf(out, `\u%04x`, char)
		} else {
			out.WriteRune(char)
		}
	}
	out.WriteByte('"')
}

// number gives the shortest text of the nearest double if that is the number itself, else all of its digits.
func number(text json.Number) string {
	exact, _ := new(big.Rat).SetString(string(text))
	if double, err := text.Float64(); err == nil && exact.Sign() != 0 {
		shortest, _ := json.Marshal(double)
		if back, _ := new(big.Rat).SetString(string(shortest)); back.Cmp(exact) == 0 {
			return string(shortest)
		}
	}
	decimals := 0
	for scaled := new(big.Rat).Set(exact); !scaled.IsInt(); decimals++ {
		scaled.Mul(scaled, big.NewRat(10, 1))
	}
	return exact.FloatString(decimals)
}

func main() {
	decoder := json.NewDecoder(os.Stdin)
	decoder.UseNumber() // else an integer beyond 2^53 would be rounded before it is hashed
	for {
		var message Message
		if err := decoder.Decode(&message); err == io.EOF {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		hash, err := EnvelopeHash(message)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(hash)
	}
}
