package export

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/rle"
)

// filledMask is a mask, and what the readers of its outlines made of them. The file was made by bench/interop/fill.py with polygon2mask of ultralytics 8.4.190,
// the rule of supervision 0.31.2 (both with OpenCV 5.0.0) and shape_to_mask of labelme 6.3.1 (with Pillow 13.0.0), from what this test writes with -outlines FILE.
type filledMask struct {
	Name    string         `json:"name"`
	Rows    []string       `json:"rows"`
	YOLO    string         `json:"yolo"`
	Labelme [][][2]float64 `json:"labelme"`

	Ultralytics []string `json:"ultralytics"`
	Supervision []string `json:"supervision"`
	LabelmeFill []string `json:"labelme_fill"`
}

var outlinesFile = flag.String("outlines", "", "`file` to write masks and their outlines to, for bench/interop/fill.py")

// disc is a mask of a disc, with a hole if it has an inner diameter.
func disc(size int, outer, inner float64) (rows []string) {
	for y := range size {
		var row strings.Builder
		for x := range size {
			dx, dy := float64(2*x+1-size), float64(2*y+1-size)
			if d := dx*dx + dy*dy; d <= outer*outer && d >= inner*inner {
				row.WriteByte('#')
			} else {
				row.WriteByte('.')
			}
		}
		rows = append(rows, row.String())
	}
	return rows
}

// outlined are masks of all kinds that outlines are known to lose something of.
func outlined() []filledMask {
	return []filledMask{
		{Name: "pixel", Rows: []string{".....", "..#..", "....."}},
		{Name: "pixel in a corner", Rows: []string{"...", "..#"}},
		{Name: "row", Rows: []string{".......", ".#####.", "......."}},
		{Name: "column", Rows: []string{"...", ".#.", ".#.", ".#.", ".#."}},
		{Name: "diagonal", Rows: []string{"#...", ".#..", "..#.", "...#"}},
		{Name: "other diagonal", Rows: []string{"....#", "...#.", "..#..", ".#..."}},
		{Name: "angle", Rows: []string{"......", ".####.", ".#....", ".#...."}},
		{Name: "slope", Rows: []string{"....##", "..##..", "##...."}},
		{Name: "thick line", Rows: []string{".......", ".#####.", ".#####.", "......."}},
		{Name: "whole picture", Rows: []string{"####", "####", "####"}},
		{Name: "disc", Rows: disc(23, 21, 0)},
		{Name: "ring", Rows: disc(23, 21, 12)},
		{Name: "thin ring", Rows: []string{".......", ".#####.", ".#...#.", ".#...#.", ".#####."}},
		{Name: "two holes", Rows: []string{"#########", "#...##.##", "#...#...#", "#...##.##", "#########"}},
		{Name: "a hole of a pixel", Rows: []string{"####", "##.#", "####", "####"}},
		{Name: "touching at a corner", Rows: []string{"##...", "##...", "..##.", "..##."}},
		{Name: "a hole open at a corner", Rows: []string{"####", "#.##", "#..#", "###."}},
		{Name: "two parts", Rows: []string{"##....##", "##....##", "........"}},
		{Name: "a ring, a part in it and one beside it", Rows: []string{"........", ".#####..", ".#...#..", ".#.#.#..", ".#...#..", ".#####.#"}},
	}
}

func (f *filledMask) draw(t *testing.T) {
	m := drawn(f.Rows...)
	p := &Picture{Image: Image{Width: m.W, Height: m.H}, Instances: []Instance{{Mask: m}}}
	var label, file bytes.Buffer
	require.NoError(t, YOLO(&label, p, nil))
	require.NoError(t, Labelme(&file, p, "a.png"))
	var shapes labelmeFile
	require.NoError(t, json.Unmarshal(file.Bytes(), &shapes))
	f.YOLO = label.String()
	for _, s := range shapes.Shapes {
		f.Labelme = append(f.Labelme, s.Points)
	}
}

func TestReadersOfOutlinesFillTheMask(t *testing.T) {
	if *outlinesFile != "" {
		list := outlined()
		for i := range list {
			list[i].draw(t)
		}
		data, err := json.MarshalIndent(list, "", " ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(*outlinesFile, data, 0o666))
		return
	}
	data, err := os.ReadFile("testdata/outlines.json")
	require.NoError(t, err)
	var golden []filledMask
	require.NoError(t, json.Unmarshal(data, &golden))
	require.Len(t, golden, len(outlined()))
	apart := []string{"two parts", "a ring, a part in it and one beside it"} // a label of YOLO is one line
	for i, f := range outlined() {
		f.draw(t)
		g := golden[i]
		require.Equal(t, g.YOLO, f.YOLO, "%s: the readers saw another outline", f.Name)
		require.Equal(t, g.Labelme, f.Labelme, "%s: the reader saw another outline", f.Name)
		require.Equal(t, f.Rows, g.LabelmeFill, "%s, by labelme", f.Name)
		require.Equal(t, g.Ultralytics, g.Supervision, f.Name)
		if f.Name != apart[0] && f.Name != apart[1] {
			require.Equal(t, f.Rows, g.Ultralytics, "%s, by ultralytics", f.Name)
			continue
		}
		m, filled := drawn(f.Rows...), drawn(g.Ultralytics...)
		require.Zero(t, rle.Difference(m, filled).Area(), "%s: pixels are lost", f.Name)
		require.LessOrEqual(t, rle.Difference(filled, m).Area(), uint64(4), "%s: the lines between parts", f.Name)
	}
	require.Empty(t, contour(drawn("..", "..")))
	require.Empty(t, contours(drawn("..", "..")))
}
