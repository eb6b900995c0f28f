package weights

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
)

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

func wide(text string, order binary.ByteOrder) string {
	var b bytes.Buffer
	_ = binary.Write(&b, order, utf16.Encode([]rune("\ufeff"+text)))
	return b.String()
}

// TestNamesFromFiles reads the names of two classes from every kind of file that has them.
func TestNamesFromFiles(t *testing.T) {
	plain := []config.Category{{ID: 1, Name: "cell"}, {ID: 2, Name: "Größe 2"}}
	withIDs := []config.Category{{ID: 7, Name: "cell"}, {ID: 3, Name: "Größe 2"}}
	coco := `{"images":[{"id":1,"x":[[{}]]}],"annotations":[{"bbox":[0,0,1,1]}],"categories":[{"id":7,"name":"cell","supercategory":"x"},{"id":3,"name":"Größe 2"}]}`
	for text, want := range map[string][]config.Category{
		"cell\nGröße 2\n":                                  plain,
		"cell\r\nGröße 2":                                  plain,
		"\ufeffcell\n\nGröße 2\n\n":                        plain,
		"__ignore__\n_background_\ncell\nGröße 2\n":        plain, // labelme's labels.txt
		"cell, Größe 2\n":                                  plain,
		`["cell", "Größe 2"]`:                              plain,
		`["__background__", "cell", "Größe 2"]`:            plain,
		`{"id2label": {"1": "Größe 2", "0": "cell"}}`:      plain,
		`{"label2id": {"Größe 2": 1, "cell": 0}}`:          plain,
		`{"0": "cell", "1": "Größe 2"}`:                    plain,
		`{"1": "cell", "2": "Größe 2"}`:                    plain,
		`{"thing_classes": ["cell", "Größe 2"]}`:           plain,
		"names: [cell, Größe 2]\n":                         plain,
		"# data\npath: x\nnames:\n  0: cell\n  1: Größe 2": plain, // ultralytics
		"nc: 2\nnames:\n- cell\n- 'Größe 2'\n":             plain,
		"- cell\n- Größe 2\n":                              plain,
		coco:                                               withIDs,
		"\ufeff" + coco:                                    withIDs,
		zipped(coco):                                       withIDs,
		wide(coco, binary.LittleEndian):                    withIDs,
		wide("cell\nGröße 2\n", binary.BigEndian):          plain,
		`{"categories":[{"id":7.0,"name":"cell"},{"id":"3","name":"Größe 2"}]}`: withIDs,
		`[{"id":7,"name":"cell"},{"id":3,"name":"Größe 2"}]`:                    withIDs,
		"names: [no, 7, N/A]": {{ID: 1, Name: "no"}, {ID: 2, Name: "7"}, {ID: 3}},
	} {
		file := filepath.Join(t.TempDir(), "names")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		got, err := ReadCategories(file)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestFilesWithoutNamesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "empty",
		"\n \n":                         "empty",
		"cell\ncell\n":                  `"cell" is there twice`,
		"\x89PNG\r\n\x1a\n\x00":         "not a text",
		"a\x01\n":                       "control characters",
		strings.Repeat("x", 300):        "300 bytes",
		"[1, 2]":                        "item 1",
		`["a", {"id":1,"name":"b"}]`:    "in one list",
		`[{"id":1.5,"name":"b"}]`:       `id "1.5", want an integer`,
		`[{"id":1}]`:                    "want a name",
		`{"images":[]}`:                 "no categories, names or classes",
		`{"categories":{}}`:             "want a list",
		`{"names":{"a":"b"}}`:           "names by number",
		`{"names":[1]}`:                 "want a list of names",
		`{"0":"a","2":"b"}`:             "no categories",
		`{"categories":[`:               "EOF",
		`{"images":[[[`:                 "EOF",
		"names: 7\n":                    "want a list of names",
		"names:\n  a: b\n":              "number of a class",
		"names:\n  0: a\n  2: b\n":      "numbers of the classes",
		"names:\n  - [a]\n":             "want a name",
		"names: [a\n":                   "yaml",
		"names: &a [*a]\n":              "want a name",
		zipped("cell\n")[:12]:           "EOF",
		strings.Repeat("a\n", 3<<20):    "no list of names",
		"names: []\n":                   "no names",
		"names: &x\n  0: &y a\n  1: *y": `"a" is there twice`,
	} {
		file := filepath.Join(t.TempDir(), "names")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		_, err := ReadCategories(file)
		require.ErrorContains(t, err, want, "%.80q", text)
		require.ErrorContains(t, err, "names: ")
	}
}

func TestNamesWithCommas(t *testing.T) {
	got, err := ParseCategories("cell, Größe 2")
	require.NoError(t, err)
	require.Equal(t, []config.Category{{ID: 1, Name: "cell"}, {ID: 2, Name: "Größe 2"}}, got)
	_, err = ParseCategories("cell,cell")
	require.ErrorContains(t, err, "twice")
	for _, empty := range []string{"a,,b", "a,b, ", ","} {
		_, err = ParseCategories(empty)
		require.ErrorContains(t, err, "is empty")
	}
	for _, missing := range []string{"nowhere.txt", "a/nowhere.JSON", "data.yaml"} {
		_, err = ParseCategories(missing)
		require.ErrorIs(t, err, os.ErrNotExist)
	}
}

// FuzzNames reads what people may take for a file of names: nothing panics, and what is accepted are names.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"a\nb\n", `{"categories":[{"id":1,"name":"a"}]}`, `["a"]`, "names: [a]\n", "names:\n  0: a\n", `{"id2label":{"0":"a"}}`, zipped("a")} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := readCategories(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, k := range list {
			if len(k.Name) > len(b)*1100 {
				t.Fatalf("a name of %d bytes from %d", len(k.Name), len(b))
			}
		}
	})
}
