package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/rle"
)

// drawn makes a mask of rows, '#' for foreground.
func drawn(rows ...string) rle.Mask {
	var bits []byte
	for _, row := range rows {
		for _, c := range row {
			bits = append(bits, map[rune]byte{'#': 1, '.': 0}[c])
		}
	}
	return rle.FromBitmap(len(rows), len(rows[0]), bits)
}

var (
	ringMask = drawn(
		"........",
		".#####..",
		".#...#..",
		".#.#.#..",
		".#...#..",
		".#####.#")
	barMask = drawn(
		"........",
		".###....",
		".###....",
		"........",
		"........",
		"........")
)

func twoInstances() *Picture {
	p := &Picture{Image: Image{ID: 5, FileName: "sub/a.png", Width: 8, Height: 6}, Instances: []Instance{
		{Category: 2, Name: "ring", Score: 0.9, Box: [4]float64{1, 1, 6.5, 5}, Mask: ringMask},
		{Category: 1, Name: "bar", Score: 0.5, Box: [4]float64{1, 1, 3, 2}, Mask: barMask},
	}}
	photo := imageio.New(8, 6)
	for i := range photo.Pix {
		photo.Pix[i] = byte(i)
	}
	p.Photo = photo
	return p
}

var twoCategories = []Category{{1, "bar"}, {2, "ring"}}

// filled is the mask of the pixels whose centres polygons hold, by the even-odd rule.
func filled(list []polygon, h, w int) rle.Mask {
	bits := make([]byte, h*w)
	for i := range bits {
		c := point{float64(i%w) + 0.5, float64(i/w) + 0.5}
		for _, p := range list {
			for _, line := range append([][]point{p.outer}, p.holes...) {
				if inside(c, line) {
					bits[i] ^= 1
				}
			}
		}
	}
	return rle.FromBitmap(h, w, bits)
}

func TestOutlinesHoldTheirPixels(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		h, w := 1+random.IntN(12), 1+random.IntN(12)
		bits := make([]byte, h*w)
		for i := range bits {
			bits[i] = byte(random.IntN(2))
		}
		m := rle.FromBitmap(h, w, bits)
		require.Equal(t, m, filled(outlines(m, 0), h, w))
	}
	list := outlines(ringMask, 0)
	require.Len(t, list, 3, "the ring, what lies in it, and the pixel at the border")
	holes := 0
	for _, p := range list {
		holes += len(p.holes)
		require.Positive(t, signedArea(p.outer))
		for _, h := range p.holes {
			require.Negative(t, signedArea(h))
			require.Greater(t, signedArea(p.outer), 9.0, "the hole is that of the ring, not of the pixel in it")
		}
	}
	require.Equal(t, 1, holes)
	require.Empty(t, outlines(drawn("..", ".."), 0.4))
}

func TestSimplifiedOutlinesStayNear(t *testing.T) {
	const size = 80
	bits := make([]byte, size*size)
	for i := range bits {
		x, y := i%size-40, i/size-40
		if x*x/2+y*y < 30*30 {
			bits[i] = 1
		}
	}
	m := rle.FromBitmap(size, size, bits)
	exact, simple := outlines(m, 0)[0].outer, outlines(m, tolerance)[0].outer
	require.Less(t, 4*len(simple), 3*len(exact))
	require.Greater(t, rle.IoU(m, filled([]polygon{{outer: simple}}, size, size), false), 0.99)
}

func TestPicturesSurviveJSON(t *testing.T) {
	p := twoInstances()
	p.PixelSize = [2]float64{0.25, 0.5}
	data := p.AppendJSON(nil)
	require.Contains(t, string(data), `"height":6,"pixel_size_um":[0.25,0.5],"instances"`)
	back, err := ParsePicture(data)
	require.NoError(t, err)
	p.Photo = nil
	require.Equal(t, p, back)
	for from, to := range map[string]string{`"size":[6,8]`: `"size":[8,6]`, `"counts":"`: `"counts":"~`, `"id"`: `id`} {
		_, err := ParsePicture(bytes.Replace(data, []byte(from), []byte(to), 1))
		require.Error(t, err, to)
	}
}

func TestDataset(t *testing.T) {
	var b bytes.Buffer
	d := NewDataset(&b, Info{Model: "m"}, twoCategories)
	require.NoError(t, d.Add(twoInstances()))
	require.NoError(t, d.Add(&Picture{Image: Image{ID: 6}}))
	require.NoError(t, d.Close())
	var set struct {
		Images      []Image
		Categories  []Category
		Annotations []struct {
			ID, Area, Iscrowd int
			ImageID           int64 `json:"image_id"`
			BBox              [4]float64
			Segmentation      json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &set))
	require.Len(t, set.Images, 2)
	require.Equal(t, twoCategories, set.Categories)
	require.Len(t, set.Annotations, 2)
	require.Equal(t, 1, set.Annotations[0].ID)
	require.Equal(t, 18, set.Annotations[0].Area)
	require.Equal(t, [4]float64{1, 1, 7, 5}, set.Annotations[0].BBox)
	require.Contains(t, string(set.Annotations[0].Segmentation), `"counts"`, "polygons have no holes")
	var polygons [][]float64
	require.NoError(t, json.Unmarshal(set.Annotations[1].Segmentation, &polygons))
	require.Len(t, polygons, 1)
	require.Equal(t, barMask, rle.FromPolygon(polygons[0], 6, 8))

	b.Reset() // categories of all annotations are there
	d = NewDataset(&b, Info{}, twoCategories[:1])
	require.NoError(t, d.Add(twoInstances()))
	require.NoError(t, d.Close())
	require.NoError(t, json.Unmarshal(b.Bytes(), &set))
	require.Equal(t, twoCategories, set.Categories)

	b.Reset()
	require.NoError(t, NewDataset(&b, Info{}, nil).Close())
	require.True(t, json.Valid(b.Bytes()))
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	c := NewCSV(&b)
	require.NoError(t, c.Add(twoInstances()))
	require.NoError(t, c.Close())
	rows := strings.Split(b.String(), "\n")
	require.Equal(t, strings.Join(csvColumns, ","), rows[0])
	require.Equal(t, "5,sub/a.png,2,1,bar,0.5,1,1,3,2,6,2.50,2.00,2.76,0"+strings.Repeat(",", 16), rows[2])
	require.Contains(t, rows[1], ",1,,,", "the ring's part touches the border")
}

func TestLines(t *testing.T) {
	var b bytes.Buffer
	l := NewJSONL(&b)
	require.NoError(t, l.Add(twoInstances()))
	require.NoError(t, l.Fail(6, Failure{"b.png", `is "bad"`}))
	require.NoError(t, l.Close())
	rows := strings.Split(b.String(), "\n")
	_, err := ParsePicture([]byte(rows[0]))
	require.NoError(t, err)
	require.Equal(t, `{"id":6,"file_name":"b.png","error":"is \"bad\""}`, rows[1])
}

func TestLabelme(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Labelme(&b, twoInstances(), "../a.png"))
	var f labelmeFile
	require.NoError(t, json.Unmarshal(b.Bytes(), &f))
	require.Equal(t, "../a.png", f.ImagePath)
	require.Equal(t, []int{8, 6}, []int{f.ImageWidth, f.ImageHeight})
	require.Len(t, f.Shapes, 4)
	require.Equal(t, 1, *f.Shapes[0].GroupID)
	require.Nil(t, f.Shapes[3].GroupID)
	require.Equal(t, "bar", f.Shapes[3].Label)
	require.Contains(t, b.String(), `"imageData": null`)
}

// labelme shows the first page of a file, whichever was segmented.
func TestLabelmeHoldsAPageOfSeveral(t *testing.T) {
	p := twoInstances()
	photo := imageio.New(p.Width, p.Height)
	photo.Pix[3*p.Width+1] = 200
	p.Photo, p.Selection = photo, "page 2 of 3"
	var b bytes.Buffer
	require.NoError(t, Labelme(&b, p, "../a.tif"))
	var f struct{ ImageData []byte } // base64
	require.NoError(t, json.Unmarshal(b.Bytes(), &f))
	got, err := png.Decode(bytes.NewReader(f.ImageData))
	require.NoError(t, err)
	require.Equal(t, photo.Bounds(), got.Bounds())
	require.Equal(t, color.RGBA{0, 200, 0, 255}, color.RGBAModel.Convert(got.At(0, 1)))
}

func TestYOLO(t *testing.T) {
	var b bytes.Buffer
	p := twoInstances()
	p.Instances = append(p.Instances, Instance{Name: "nothing", Mask: drawn("........", "........", "........", "........", "........", "........")})
	require.NoError(t, YOLO(&b, p, twoCategories))
	rows := strings.Split(strings.TrimSpace(b.String()), "\n")
	require.Len(t, rows, 2, "a label without points cannot be read")
	var index int
	var x, y float64
	_, err := fmt.Sscan(rows[1], &index, &x, &y)
	require.NoError(t, err)
	require.Equal(t, 0, index)
	require.InDelta(t, 1.49/8, x, 1e-6)
	require.InDelta(t, 1.49/6, y, 1e-6)
	require.True(t, strings.HasPrefix(rows[0], "1 "))

	b.Reset()
	p.Instances[1].Category = 12 // a row without a name, and an index
	require.NoError(t, YOLO(&b, p, twoCategories))
	require.Equal(t, 1, strings.Count(b.String(), "\n"))
	require.True(t, strings.HasPrefix(b.String(), "1 "))

	b.Reset()
	require.NoError(t, YOLOData(&b, "images", twoCategories))
	require.Equal(t, "train: \"images\"\nval: \"images\"\nnames:\n  0: \"bar\"\n  1: \"ring\"\n", b.String())
}

func TestGeoJSON(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, GeoJSON(&b, twoInstances(), Annotation))
	var c struct {
		Type     string
		Features []struct {
			Geometry struct {
				Type        string
				Coordinates json.RawMessage
			}
			Properties struct {
				ObjectType     string
				Classification struct{ Name string }
				Measurements   struct{ Area float64 }
			}
		}
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &c))
	require.Equal(t, "FeatureCollection", c.Type)
	require.Equal(t, "MultiPolygon", c.Features[0].Geometry.Type)
	require.Equal(t, "Polygon", c.Features[1].Geometry.Type)
	require.Equal(t, 6.0, c.Features[1].Properties.Measurements.Area)
	require.Equal(t, "annotation", c.Features[1].Properties.ObjectType)
	var rings [][][2]float64
	require.NoError(t, json.Unmarshal(c.Features[1].Geometry.Coordinates, &rings))
	require.Equal(t, rings[0][0], rings[0][len(rings[0])-1], "rings are closed")
}

func TestInstanceMap(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, InstanceMap(&b, twoInstances()))
	m, err := png.Decode(&b)
	require.NoError(t, err)
	require.IsType(t, &image.Gray16{}, m)
	value := func(x, y int) uint16 { return m.At(x, y).(color.Gray16).Y }
	require.Equal(t, uint16(1), value(1, 1), "the better score wins")
	require.Equal(t, uint16(2), value(2, 2))
	require.Equal(t, uint16(0), value(0, 0))
}

func TestCutOutsAndCrops(t *testing.T) {
	p := twoInstances()
	var b bytes.Buffer
	require.NoError(t, CutOut(&b, p, 0))
	m, err := png.Decode(&b)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 7, 5), m.Bounds())
	require.Equal(t, color.NRGBAModel.Convert(p.Photo.At(1, 1)), color.NRGBAModel.Convert(m.At(0, 0)))
	require.Equal(t, uint8(0), color.NRGBAModel.Convert(m.At(1, 1)).(color.NRGBA).A)

	require.NoError(t, Crop(&b, p, 1))
	m, err = png.Decode(&b)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 5, 4), m.Bounds())
}

func TestReport(t *testing.T) {
	var b bytes.Buffer
	r := NewReport(&b, Info{Model: "<m>", ModelSHA256: "abc", MinScore: 0.3}, twoCategories)
	p := twoInstances()
	p.Thumbnail = []byte{0xff, 0xd8}
	p.FileName = `<script>.png`
	require.NoError(t, r.Add(p))
	require.NoError(t, r.Add(&Picture{Image: Image{ID: 6, FileName: "empty.png", Width: 1, Height: 1}}))
	require.NoError(t, r.Fail(7, Failure{"bad.png", "truncated"}))
	require.NoError(t, r.Close())
	page := b.String()
	require.Equal(t, 2, strings.Count(page, "<path data-s="))
	require.Contains(t, page, "data:image/jpeg;base64,/9g=")
	require.Contains(t, page, "&lt;script&gt;.png")
	require.Contains(t, page, "<td>bad.png</td><td>truncated</td>")
	require.NotContains(t, page, "ZgotmplZ", "html/template trusts everything that it was given")
	require.NotContains(t, page, "http", "nothing comes from elsewhere")
	require.NoError(t, NewReport(&b, Info{}, nil).Close(), "a run without images has a report, too")
}

func TestHistogram(t *testing.T) {
	h := newHistogram([]float64{0, 0.1, 0.99, 1, 1, 7}, 0, 1, 1)
	require.Equal(t, 1, h.Beyond)
	require.Len(t, h.Bars, 25)
	require.Equal(t, 120.0, h.Bars[24].Height, "three in the last bar, which holds the upper end")
	require.Equal(t, 50.0, niceCeil(23))
	require.Equal(t, 5.0, niceCeil(1))
}
