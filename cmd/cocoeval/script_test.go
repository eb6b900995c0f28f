package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cocoeval": main})
}

// The scripts in testdata/script use the command as people do, on the data of package cocoeval's tests ($DATA, $ODD). Beside
// testscript's own commands they have
//
//	exits CODE cocoeval …     which wants that exit code
//	pycocotools FILE          which wants the text that pycocotools printed, in an expected_*.json.gz, on standard output
//	full FILE                 which wants its statistics to the last bit in the JSON on standard output
//	pack FILE.gz SOURCE       which packs a file, or unpacks one to FILE.json
//	cut FILE SIZE             which truncates a file
//	labels FILE BITS ROW…     which writes a label image: a row is values and commas
//	rgb FILE                  which writes a picture in colour
func TestScripts(t *testing.T) {
	data, err := filepath.Abs("../../cocoeval/testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("DATA", data)
			e.Setenv("ODD", filepath.Join(data, "odd_inputs"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				got := 0
				if err := ts.Exec(args[1], args[2:]...); err != nil {
					ee := (*exec.ExitError)(nil)
					if !errors.As(err, &ee) {
						ts.Fatalf("%v", err)
					}
					got = ee.ExitCode()
				}
				if got != want {
					ts.Fatalf("exit code %d, want %d", got, want)
				}
			},
			"pycocotools": func(ts *testscript.TestScript, _ bool, args []string) {
				want := strings.Join(readExpected(ts, args[0]).Text, "\n") + "\n"
				if got := ts.ReadFile("stdout"); got != want {
					ts.Fatalf("printed\n%s, want\n%s", got, want)
				}
			},
			"full": full,
			"pack": func(ts *testscript.TestScript, _ bool, args []string) {
				b := unpacked(ts, args[1])
				var out bytes.Buffer
				switch filepath.Ext(args[0]) {
				case ".gz":
					w := gzip.NewWriter(&out)
					_, err := w.Write(b)
					ts.Check(errors.Join(err, w.Close()))
				case ".zst":
					w, err := zstd.NewWriter(&out)
					ts.Check(err)
					_, err = w.Write(b)
					ts.Check(errors.Join(err, w.Close()))
				default:
					out.Write(b)
				}
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o600))
			},
			"labels": writeLabels,
			"rgb": func(ts *testscript.TestScript, _ bool, args []string) {
				m := image.NewRGBA(image.Rect(0, 0, 5, 3))
				m.Set(1, 1, color.RGBA{200, 10, 10, 255})
				writePNG(ts, args[0], m)
			},
			"cut": func(ts *testscript.TestScript, _ bool, args []string) {
				size, err := strconv.ParseInt(args[1], 10, 64)
				ts.Check(err)
				ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
			},
		},
	})
}

// expected is a part of an expected_*.json.gz.
type expected struct {
	Text []string `json:"summary_text"`
	Hex  []string `json:"stats_hex_numpy2"`
}

func readExpected(ts *testscript.TestScript, name string) (x expected) {
	ts.Check(json.Unmarshal(unpacked(ts, name), &x))
	return x
}

// unpacked reads a file that may be packed by gzip.
func unpacked(ts *testscript.TestScript, name string) []byte {
	b, err := os.ReadFile(ts.MkAbs(name))
	ts.Check(err)
	if r, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
		b, err = io.ReadAll(r)
		ts.Check(err)
	}
	return b
}

// full reads standard output as the report in JSON. The statistics of an object keep their order, which is that of the text.
func full(ts *testscript.TestScript, _ bool, args []string) {
	var report struct {
		Evaluations []struct{ Stats json.RawMessage }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &report))
	d := json.NewDecoder(bytes.NewReader(report.Evaluations[0].Stats))
	d.UseNumber()
	var got []string
	for d.More() {
		token, err := d.Token()
		ts.Check(err)
		if n, ok := token.(json.Number); ok {
			v, err := n.Float64()
			ts.Check(err)
			got = append(got, strconv.FormatFloat(v, 'x', -1, 64))
		}
	}
	var want []string
	for _, s := range readExpected(ts, args[0]).Hex {
		v, err := strconv.ParseFloat(s, 64)
		ts.Check(err)
		want = append(want, strconv.FormatFloat(v, 'x', -1, 64))
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		ts.Fatalf("statistics %v, want %v", got, want)
	}
}

// writeLabels writes a PNG of 8 or 16 bits, or a TIFF of 16 or 32 bits without compression.
func writeLabels(ts *testscript.TestScript, _ bool, args []string) {
	var values []uint32
	for _, row := range args[2:] {
		for _, text := range strings.Split(row, ",") {
			v, err := strconv.ParseUint(text, 10, 32)
			ts.Check(err)
			values = append(values, uint32(v))
		}
	}
	rows := len(args) - 2
	columns := len(values) / rows
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o755))
	switch bits := args[1]; {
	case filepath.Ext(args[0]) == ".tif":
		writeTIFF(ts, args[0], bits, columns, rows, values)
	case bits == "8":
		m := image.NewGray(image.Rect(0, 0, columns, rows))
		for i, v := range values {
			m.Pix[i] = uint8(v)
		}
		writePNG(ts, args[0], m)
	default:
		m := image.NewGray16(image.Rect(0, 0, columns, rows))
		for i, v := range values {
			m.SetGray16(i%columns, i/columns, color.Gray16{Y: uint16(v)})
		}
		writePNG(ts, args[0], m)
	}
}

func writePNG(ts *testscript.TestScript, name string, m image.Image) {
	var out bytes.Buffer
	ts.Check(png.Encode(&out, m))
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(name)), 0o755))
	ts.Check(os.WriteFile(ts.MkAbs(name), out.Bytes(), 0o600))
}

func writeTIFF(ts *testscript.TestScript, name, bits string, columns, rows int, values []uint32) {
	depth, err := strconv.Atoi(bits)
	ts.Check(err)
	le := binary.LittleEndian
	var pixels []byte
	for _, v := range values {
		if depth == 16 {
			pixels = le.AppendUint16(pixels, uint16(v))
		} else {
			pixels = le.AppendUint32(pixels, v)
		}
	}
	b := append([]byte("II*\x00"), 8, 0, 0, 0)
	tags := [][2]int{{256, columns}, {257, rows}, {258, depth}, {259, 1}, {262, 1}, {273, 0}, {277, 1}, {278, rows}, {279, len(pixels)}}
	b = le.AppendUint16(b, uint16(len(tags)))
	for _, t := range tags {
		if t[0] == 273 { // where the pixels begin
			t[1] = 8 + 2 + 12*len(tags) + 4
		}
		b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, uint32(t[0])|4<<16), 1), uint32(t[1]))
	}
	b = append(le.AppendUint32(b, 0), pixels...)
	ts.Check(os.WriteFile(ts.MkAbs(name), b, 0o600))
}
