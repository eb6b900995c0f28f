package export

import (
	"bytes"
	"encoding/csv"
	"flag"
	"image"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/samples"
	"github.com/spinemask/spinemask/internal/core/tiff"
	"github.com/spinemask/spinemask/rle"
)

// filledSamples has the value that f gives in each channel.
func filledSamples(channels int, kind samples.Kind, bits int, f func(x, y, c int) float64) *samples.Samples {
	s := samples.New(8, 6, channels, kind, bits)
	for y := range 6 {
		for x := range 8 {
			for c := range channels {
				s.Set((y*8+x)*channels+c, f(x, y, c))
			}
		}
	}
	return s
}

// What scikit-image 0.26.0 (NumPy 2.4.6) measures with ringMask as labels and i as the picture:
//
//	y, x = np.mgrid[:6, :8]
//	i = ((x*1000+y*137)%4096).astype(np.uint16)                                    # grey
//	i = ((x-3.5)*(y+0.25)/3).astype(np.float32)                                     # float
//	i = np.stack([(x*31+y*7)%256, (x*3+y*101)%256, (x*y*5)%256], -1).astype(np.uint8)  # colour
//	regionprops_table(labels, i, properties=('intensity_mean', 'intensity_min', 'intensity_max'))
func TestIntensitiesAreThoseOfScikitImage(t *testing.T) {
	grey := filledSamples(1, samples.Unsigned, 12, func(x, y, _ int) float64 { return float64((x*1000 + y*137) % 4096) })
	float := filledSamples(1, samples.Float, 32, func(x, y, _ int) float64 { return (float64(x) - 3.5) * (float64(y) + 0.25) / 3 })
	colour := filledSamples(3, samples.Unsigned, 8, func(x, y, c int) float64 {
		return float64([]int{x*31 + y*7, x*3 + y*101, x * y * 5}[c] % 256)
	})
	pixels := &imageio.Image{Width: 8, Height: 6, Pix: colour.U8}
	for name, tt := range map[string]struct {
		photo image.Image
		want  []Intensity
	}{
		"grey":   {&imageio.Image{Width: 8, Height: 6, Pix: make([]byte, 3*48), Samples: grey}, []Intensity{{1828, 41, 3685}}},
		"float":  {&imageio.Image{Width: 8, Height: 6, Pix: make([]byte, 3*48), Samples: float}, []Intensity{{-0.17129628360271454, -4.375, 6.125}}},
		"colour": {pixels, []Intensity{{121.66666666666667, 38, 252}, {110.55555555555556, 2, 255}, {52.22222222222222, 5, 175}}},
	} {
		p := twoInstances()
		p.Photo = tt.photo
		require.NoError(t, p.Measure())
		got := p.Instances[0].Intensity
		require.Len(t, got, len(tt.want), name)
		for c, want := range tt.want {
			require.InEpsilon(t, want.Mean, got[c].Mean, 1e-6, name)
			require.Equal(t, []float64{want.Min, want.Max}, []float64{got[c].Min, got[c].Max}, name)
		}
		back, err := ParsePicture(p.AppendJSON(nil))
		require.NoError(t, err)
		require.Equal(t, got, back.Instances[0].Intensity, "%s, through the journal", name)
	}
}

func TestIntensitiesOfGreyPicturesAndOfNoNumbers(t *testing.T) {
	p := twoInstances()
	p.Photo = image.NewGray(image.Rect(0, 0, 8, 6))
	require.NoError(t, p.Measure())
	require.Equal(t, []Intensity{{0, 0, 0}}, p.Instances[0].Intensity, "equal channels are grey")

	s := filledSamples(1, samples.Float, 32, func(x, y, _ int) float64 {
		if y > 1 {
			return math.NaN()
		}
		return float64(x)
	})
	p.Photo = &imageio.Image{Width: 8, Height: 6, Pix: make([]byte, 3*48), Samples: s}
	require.NoError(t, p.Measure())
	require.Equal(t, []Intensity{{2, 1, 3}}, p.Instances[1].Intensity, "numbers only")
	p.Instances[1].Mask = drawn("........", "........", "........", "........", "####....", "........")
	require.NoError(t, p.Measure())
	require.Nil(t, p.Instances[1].Intensity)
	require.NotContains(t, string(p.AppendJSON(nil)), "NaN")
}

func table(t *testing.T, text string) (rows []map[string]string) {
	list, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	for _, r := range list[1:] {
		row := map[string]string{}
		for i, name := range list[0] {
			row[name] = r[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// Without pixels of the image's size there is an error, not a panic.
func TestWhatNeedsPixels(t *testing.T) {
	for name, photo := range map[string]image.Image{
		"Photo is nil": nil,
		"Photo has 6×8 pixels, the image 8×6 (width × height)": image.NewGray(image.Rect(0, 0, 6, 8)),
	} {
		p := twoInstances()
		p.Photo = photo
		for _, err := range []error{p.Measure(), p.MakeThumbnail(), Overlay(io.Discard, p), CutOut(io.Discard, p, 0), Crop(io.Discard, p, 0)} {
			require.ErrorContains(t, err, name)
		}
	}
	require.ErrorContains(t, GeoJSON(io.Discard, twoInstances(), "detections"), `objects "detections": want "detection" or "annotation"`)
}

func TestMicrometres(t *testing.T) {
	p := twoInstances()
	p.PixelSize = [2]float64{0.5, 0.25}
	require.NoError(t, p.Measure())
	var b bytes.Buffer
	c := NewCSV(&b)
	require.NoError(t, c.Add(p))
	require.NoError(t, c.Close())
	bar := table(t, b.String())[1]
	require.Equal(t, "0.7500", bar["area_um2"], "6 pixels of 1/8 µm²")
	require.Equal(t, []string{"1.2500", "0.5000"}, []string{bar["centroid_x_um"], bar["centroid_y_um"]})
	require.Equal(t, "0.9772", bar["diameter_um"], "2√(0.75/π)")
	require.Empty(t, bar["intensity_mean"], "a colour picture")
	require.Equal(t, []string{"27", "57"}, []string{bar["intensity_min_red"], bar["intensity_max_red"]})

	m := measurements(p, &p.Instances[1])
	require.Equal(t, 0.75, m["area_um2"])
	require.Contains(t, m, "intensity_mean_blue")
	require.NotContains(t, m, "intensity_mean")
}

func TestImagesCSV(t *testing.T) {
	var b bytes.Buffer
	c := NewImagesCSV(&b, twoCategories)
	p := twoInstances()
	p.PixelSize = [2]float64{2, 2}
	require.NoError(t, c.Add(p))
	require.NoError(t, c.Add(&Picture{Image: Image{ID: 6, FileName: "empty.png", Width: 10, Height: 10}}))
	require.NoError(t, c.Fail(7, Failure{"bad.png", "it is \"cut\", off"}))
	require.NoError(t, c.Close())
	require.NotContains(t, b.String(), "NaN")
	rows := table(t, b.String())
	require.Len(t, rows, 3)
	full := rows[0]
	require.Equal(t, []string{"2", "1", "1"}, []string{full["count"], full["count: bar"], full["count: ring"]})
	require.Equal(t, []string{"24", "12.0000", "96.0000", "48.0000"}, []string{full["area"], full["mean_area"], full["area_um2"], full["mean_area_um2"]})
	// 18 pixels of the ring and 6 of the bar, 4 of them both; 48 pixels, 192 µm².
	require.Equal(t, []string{"0.416667", "41666.6667", "10416.6667"}, []string{full["covered"], full["per_megapixel"], full["per_mm2"]})
	require.Equal(t, []string{"0.7000", "2"}, []string{full["mean_score"], full["pixel_width_um"]})
	empty := rows[1]
	require.Equal(t, []string{"0", "0", "", "", "0.000000", "", ""}, []string{empty["count"], empty["area"], empty["mean_area"], empty["mean_score"], empty["covered"], empty["area_um2"], empty["error"]})
	require.Equal(t, []string{"7", "bad.png", "", `it is "cut", off`, ""}, []string{rows[2]["image_id"], rows[2]["file_name"], rows[2]["count"], rows[2]["error"], rows[2]["count: bar"]})

	b.Reset()
	require.NoError(t, NewImagesCSV(&b, twoCategories[:1]).Close())
	require.Equal(t, strings.Join(imageColumns, ",")+"\n", b.String(), "of one class the count is that of all")
}

func TestRemoveOverlap(t *testing.T) {
	p := twoInstances()
	p.Instances = append(p.Instances, Instance{Score: 0.4, Mask: drawn("........", ".##.....", "........", "........", "........", "........")})
	p.RemoveOverlap()
	require.Len(t, p.Instances, 2, "the third has no pixel of its own")
	require.Equal(t, ringMask, p.Instances[0].Mask)
	require.Equal(t, [4]float64{1, 1, 6.5, 5}, p.Instances[0].Box)
	require.Equal(t, drawn("........", "........", "..##....", "........", "........", "........"), p.Instances[1].Mask)
	require.Equal(t, [4]float64{2, 2, 2, 1}, p.Instances[1].Box, "around what is left")
	require.EqualValues(t, ringMask.Area()+2, p.covered())
}

// The masks are those that a label image shows, whatever they are.
func TestRemoveOverlapAgreesWithLabels(t *testing.T) {
	p := &Picture{Image: Image{Width: 40, Height: 30}}
	for i := range 30 {
		p.Instances = append(p.Instances, Instance{Mask: rle.FromBox(float64(i*7%30), float64(i*11%20), 12, float64(3+i%9), 30, 40)})
	}
	labels := make([]int, 40*30)
	for i := len(p.Instances) - 1; i >= 0; i-- {
		for at, v := range p.Instances[i].Mask.Bitmap() {
			if v != 0 {
				labels[at] = i + 1
			}
		}
	}
	before := append([]Instance{}, p.Instances...)
	p.RemoveOverlap()
	k := 0
	for i := range before {
		bits := make([]byte, len(labels))
		for at, v := range labels {
			if v == i+1 {
				bits[at] = 1
			}
		}
		if m := rle.FromBitmap(30, 40, bits); m.Area() > 0 {
			require.Equal(t, m, p.Instances[k].Mask)
			k++
		}
	}
	require.Len(t, p.Instances, k)
}

var labelsFile = flag.String("labels", "", "`file` to write a label image of 70,000 instances to, for bench/interop/read.py")

// More instances than 16 bits can tell apart. bench/interop/read.py reads the same file by tifffile 2026.3.3.
func TestInstanceTIFF(t *testing.T) {
	const w, h = 300, 1400 // of two strips
	p := &Picture{Image: Image{Width: w, Height: h}}
	for i := range 70000 {
		at := uint32(i * 6)
		p.Instances = append(p.Instances, Instance{Mask: rle.Mask{H: h, W: w, Runs: []uint32{at, 1, w*h - at - 1}}})
	}
	var b bytes.Buffer
	require.NoError(t, InstanceTIFF(&b, p))
	if *labelsFile != "" {
		require.NoError(t, os.WriteFile(*labelsFile, b.Bytes(), 0o666))
	}
	f, err := tiff.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), tiff.Options{})
	require.NoError(t, err)
	require.Len(t, f.Pages, 1)
	s, err := f.Pages[0].Decode()
	require.NoError(t, err)
	require.Equal(t, "uint32", s.Type())
	require.Equal(t, []int{w, h, 1}, []int{s.Width, s.Height, s.Channels})
	for i := range p.Instances {
		at := i * 6
		require.EqualValues(t, i+1, s.At(at%h*w+at/h))
	}
	require.Zero(t, s.At(3*w)) // pixel 3 of the first column
}
