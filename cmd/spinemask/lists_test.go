package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// utf16Of is a text as PowerShell 5 writes it with ">": UTF-16 behind a byte-order mark, here 0xfeff.
func utf16Of(text string, bigEndian bool) []byte {
	var b []byte
	for _, r := range "\ufeff" + text {
		high, low := byte(r>>8), byte(r)
		if bigEndian {
			b = append(b, high, low)
		} else {
			b = append(b, low, high)
		}
	}
	return b
}

func TestListsInTheEncodingsOfWindows(t *testing.T) {
	const text = "# Bilder\r\nZellen/größe 1.tif\r\n\r\nb.png\r\n"
	want := []input{{path: "Zellen/größe 1.tif"}, {path: "b.png"}}
	for name, data := range map[string][]byte{
		"UTF-8": []byte(text), "with a mark": []byte("\xef\xbb\xbf" + text), "little-endian": utf16Of(text, false), "big-endian": utf16Of(text, true),
		"NUL": []byte("Zellen/größe 1.tif\x00b.png\x00"),
	} {
		require.True(t, isText(data), name)
		list, err := lines("list", data)
		require.NoError(t, err, name)
		require.Equal(t, want, list, name)
		list, err = named([]string{"-"}, strings.NewReader(string(data)))
		require.NoError(t, err, name)
		require.Equal(t, want, list, name)
	}
}

func TestPathsThatLookLikeSomethingElseAreALists(t *testing.T) {
	for _, path := range []string{"[2024] scans/a.png", "[", "{a}.png", "BM-12.tif", "GIFs/a.gif", "RIFF.webp", "II.tif", "MM.tif"} {
		list, err := lines("list", []byte(path+"\n"))
		require.NoError(t, err, path)
		require.Equal(t, []input{{path: path}}, list)
	}
	for _, text := range []string{`{"images": []}`, ` ["a.png"]`, "[\n {\"a\": 1}]", "[]", `[["a"]]`} {
		_, err := lines("list", []byte(text))
		require.ErrorContains(t, err, "list: JSON", text)
	}
}
