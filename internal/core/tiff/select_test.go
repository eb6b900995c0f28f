package tiff

import (
	"archive/zip"
	"encoding/json"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// stacks reads testdata/stacks.zip.
func stacks(t *testing.T) (files map[string][]byte, manifest map[string][]chosen) {
	files = unzip(t, "testdata/stacks.zip")
	require.NoError(t, json.Unmarshal(files["manifest.json"], &manifest))
	return files, manifest
}

// A chosen picture is one that testdata/make.py cuts out of what tifffile 2026.3.3 reads as a series.
type chosen struct {
	Label  string
	Size   [3]int
	SHA256 string
}

func unzip(t *testing.T, path string) map[string][]byte {
	r, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer r.Close()
	files := map[string][]byte{}
	for _, f := range r.File {
		c, err := f.Open()
		require.NoError(t, err)
		files[f.Name], err = io.ReadAll(c)
		require.NoError(t, err)
	}
	return files
}

// What is chosen of files with several pages when nothing is asked for, and what is said about it.
func TestChoiceWithoutBeingAsked(t *testing.T) {
	notes := map[string]string{
		"ome-zc":                       "z-stack of 4: maximum over z; channel 2 of 3, DAPI; left: channels 1 FITC, 3 TRITC",
		"ome-cz":                       "z-stack of 4: maximum over z; channel 2 of 3, DAPI; left: channels 1 FITC, 3 TRITC",
		"ome-tczyx":                    "z-stack of 4: maximum over z; channel 2 of 3, DAPI; left: channels 1 FITC, 3 TRITC; time series of 2: a picture each",
		"ome-c-unnamed":                "channel 1 of 3 (no name says nuclei); left: channels 2, 3",
		"ome-c-first-empty":            "channel 2 of 3 (no name says nuclei; channel 1 is empty); left: channels 1, 3",
		"plain-contig-first-empty":     "channel 3 of 5 (no name says nuclei; channels 1, 2 are empty); left: channels 1, 2, 4, 5",
		"plain-planar-all-empty":       "channel 1 of 5 (no name says nuclei); left: channels 2, 3, 4, 5",
		"ome-of-a-set":                 "channel 1 of 2, GFP (no name says nuclei); left: channel 2 DAPI; 1 plane in other files, which are not followed",
		"ome-z-rgb":                    "z-stack of 4: maximum over z",
		"ome-pyramid":                  "1 of 2 images in the file, Image0; channel 2 of 2, Hoechst 33342; left: channel 1 membrane; left: 1 page outside of it",
		"imagej-tzc":                   "z-stack of 3: maximum over z; channel 2 of 2, nuclei; left: channel 1 membrane; time series of 2: a picture each",
		"imagej-z":                     "z-stack of 5: maximum over z",
		"imagej-c":                     "channel 1 of 5 (no name says nuclei); left: channels 2, 3, 4, 5",
		"imagej-t":                     "time series of 3: a picture each",
		"imagej-rgb":                   "",
		"imagej-one-directory":         "z-stack of 3: maximum over z; channel 1 of 2 (no name says nuclei); left: channel 2",
		"shaped-axes":                  "z-stack of 3: maximum over z; time series of 2: a picture each",
		"shaped-axes-as-rgb":           "z-stack of 3: maximum over z; time series of 2: a picture each",
		"shaped-channels-as-rgb":       "channel 1 of 4 (no name says nuclei); left: channels 2, 3, 4",
		"shaped-rgb":                   "",
		"shaped-truncated-as-rgb":      "z-stack of 4: maximum over z",
		"shaped":                       "page 1 of 5, whose order nothing says (--page all takes each, --z max their maximum)",
		"shaped-truncated":             "z-stack of 4: maximum over z",
		"plain":                        "page 1 of 5, whose order nothing says (--page all takes each, --z max their maximum)",
		"plain-contig-5":               "channel 1 of 5 (no name says nuclei); left: channels 2, 3, 4, 5",
		"lsm":                          "z-stack of 3: maximum over z; channel 2 of 2, Ch2-DRAQ5; left: channel 1 Ch1-FITC; time series of 2: a picture each; left: 6 pages outside of it",
		"micro-manager":                "z-stack of 2: maximum over z; channel 1 of 2, DAPI; left: channel 2 GFP",
		"metamorph-z":                  "z-stack of 4: maximum over z",
		"metamorph-t":                  "time series of 4: a picture each",
		"qptiff":                       "channel 3 of 3, DAPI; left: channels 1 Opal 520, 2 Opal 570; left: 1 page outside of it",
		"thumbnail-first":              "the picture in full size; left: 1 thumbnail or smaller version",
		"thumbnail-with-picture-below": "the picture in full size; left: 1 thumbnail or smaller version",
		"two-below":                    "the first of 2 pages, whose order nothing says (--page all takes each, --z max their maximum); left: 1 thumbnail or smaller version",
		"mask-first":                   "the picture in full size; left: 1 mask",
		"unmarked-thumbnail-first":     "the picture in full size; left: 1 thumbnail or smaller version",
	}
	files, manifest := stacks(t)
	require.Len(t, notes, len(manifest))
	for name, want := range manifest {
		t.Run(name, func(t *testing.T) {
			f, err := open(files[name+".tif"])
			require.NoError(t, err)
			pictures, note, err := f.Select(Selection{})
			require.NoError(t, err)
			require.Equal(t, notes[name], note)
			require.Len(t, pictures, len(want))
			for i, p := range pictures {
				require.Equal(t, want[i].Label, p.Label)
				s, alpha, err := p.Decode()
				require.NoError(t, err)
				require.Nil(t, alpha)
				require.Equal(t, want[i].Size, [3]int{s.Width, s.Height, s.Channels})
				require.Equal(t, [2]int{p.Width, p.Height}, [2]int{s.Width, s.Height})
				require.Equal(t, want[i].SHA256, hash(s), "values differ")
			}
		})
	}
}

func mustOpen(t *testing.T, b []byte) *File {
	f, err := open(b)
	require.NoError(t, err)
	return f
}

// Pages, planes and channels that are asked for are those that can be had as pages.
func TestChoiceByNumberAndName(t *testing.T) {
	files, _ := stacks(t)
	f := mustOpen(t, files["ome-zc.tif"]) // 4 planes of 3 channels, which change from page to page
	page := func(i int) string {
		s, err := f.Pages[i].Decode()
		require.NoError(t, err)
		return hash(s)
	}
	for _, c := range []struct {
		sel    Selection
		pages  []int // the pictures; all of one page each
		labels []string
		note   string
	}{
		{Selection{Page: "5"}, []int{4}, []string{""}, "page 5 of 12"},
		{Selection{Z: "2", Channel: []string{"3"}}, []int{5}, []string{""}, "z-stack of 4: plane 2; channel 3 of 3, TRITC; left: channels 1 FITC, 2 DAPI"},
		{Selection{Z: "1", Channel: []string{"trit"}}, []int{2}, []string{""}, "z-stack of 4: plane 1; channel 3 of 3, TRITC; left: channels 1 FITC, 2 DAPI"},
		{Selection{Z: "4", Channel: []string{"2", "fitc"}}, []int{10, 9}, []string{"c2", "c1"}, "z-stack of 4: plane 4; channels 2 DAPI, 1 FITC, each a picture; left: channel 3 TRITC"},
	} {
		pictures, note, err := f.Select(c.sel)
		require.NoError(t, err)
		require.Equal(t, c.note, note)
		require.Len(t, pictures, len(c.pages))
		for i, p := range pictures {
			s, _, err := p.Decode()
			require.NoError(t, err)
			require.Equal(t, c.labels[i], p.Label)
			require.Equal(t, page(c.pages[i]), hash(s), "%v", c.sel)
		}
	}
	all, note, err := f.Select(Selection{Page: "all"})
	require.NoError(t, err)
	require.Equal(t, "12 pages: a picture each", note)
	require.Len(t, all, 12)
	require.Equal(t, "page12", all[11].Label)

	for _, c := range []struct {
		sel  Selection
		want string
	}{
		{Selection{Page: "13"}, "no page 13: the file has 12 pages"},
		{Selection{Page: "0"}, "no page 0: the file has 12 pages"},
		{Selection{Page: "two"}, `page "two": want a number or all`},
		{Selection{Page: "1", Z: "max"}, "a page and z exclude each other: planes in z are pages"},
		{Selection{Z: "5"}, "no plane 5 in z: the file has 4"},
		{Selection{Z: "min"}, `z "min": want max, mean or a number`},
		{Selection{Channel: []string{"4"}}, "no channel 4: the file has channels 1 FITC, 2 DAPI, 3 TRITC"},
		{Selection{Channel: []string{"GFP"}}, `no channel "GFP": the file has channels 1 FITC, 2 DAPI, 3 TRITC`},
		{Selection{Channel: []string{"IT"}}, `channel "IT" is FITC as well as TRITC`},
	} {
		_, _, err := f.Select(c.sel)
		require.EqualError(t, err, c.want)
	}
}

// The mean of integers is rounded to the nearest; planes of pages that nothing describes can be projected, too.
func TestMeanOverZ(t *testing.T) {
	files, _ := stacks(t)
	f := mustOpen(t, files["plain.tif"])
	pictures, note, err := f.Select(Selection{Z: "mean"})
	require.NoError(t, err)
	require.Equal(t, "z-stack of 5: mean over z", note)
	require.Len(t, pictures, 1)
	mean, _, err := pictures[0].Decode()
	require.NoError(t, err)
	require.Equal(t, "uint16", mean.Type())
	for i := range mean.Width * mean.Height {
		sum := 0.0
		for _, p := range f.Pages {
			s, err := p.Decode()
			require.NoError(t, err)
			sum += s.At(i)
		}
		require.InDelta(t, sum/5, mean.At(i), 0.5)
	}
}

// Samples of a picture in colour are channels when they are asked for.
func TestChannelsOfColour(t *testing.T) {
	files, _ := table(t)
	f := mustOpen(t, files["rgb+0.tif"]) // red, green, blue, and one more
	whole, err := f.Pages[0].Decode()
	require.NoError(t, err)
	for c, names := range [][]string{{"1", "red"}, {"2", "Green"}, {"3", "blue"}, {"4"}} {
		for _, name := range names {
			pictures, _, err := f.Select(Selection{Channel: []string{name}})
			require.NoError(t, err)
			s, _, err := pictures[0].Decode()
			require.NoError(t, err)
			require.Equal(t, 1, s.Channels)
			for i := range s.Width * s.Height {
				require.Equal(t, whole.At(4*i+c), s.At(i))
			}
		}
	}
}

func TestOpacity(t *testing.T) {
	files, _ := table(t)
	for name, want := range map[string]struct{ alpha, premultiplied bool }{"rgb+0": {false, false}, "rgb+1": {true, true}, "rgb+2": {true, false}} {
		f := mustOpen(t, files[name+".tif"])
		pictures, _, err := f.Select(Selection{})
		require.NoError(t, err)
		s, alpha, err := pictures[0].Decode()
		require.NoError(t, err)
		require.Equal(t, 3, s.Channels)
		require.Equal(t, want.alpha, alpha != nil, name)
		whole, err := f.Pages[0].Decode()
		require.NoError(t, err)
		for i, a := range alpha {
			require.Equal(t, whole.At(4*i+3), float64(a))
			for c := range 3 {
				v := whole.At(4*i + c)
				if want.premultiplied && a > 0 {
					v = min(float64(int(v*255/float64(a)+0.5)), 255)
				}
				require.Equal(t, v, s.At(3*i+c), name)
			}
		}
	}
}

// The size of pixels, as OME-XML, ImageJ, LSM and Micro-Manager give it in the files of make.py.
func TestPixelSize(t *testing.T) {
	files, _ := stacks(t)
	for name, want := range map[string][2]float64{
		"ome-zc":        {0.25, 0.5},
		"imagej-tzc":    {0.25, 0.5},
		"lsm":           {0.1, 0.2},
		"micro-manager": {0.325, 0.325},
		"plain":         {0, 0},
	} {
		pictures, _, err := mustOpen(t, files[name+".tif"]).Select(Selection{})
		require.NoError(t, err)
		require.InDeltaSlice(t, want[:], pictures[0].PixelSize[:], 1e-9, name)
	}
}

func TestNamesOfNuclei(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  int
	}{
		{[]string{"FITC", "DAPI", "TRITC"}, 1},
		{[]string{"w1GFP", "w2dapi_405"}, 1},
		{[]string{"Phase", "Hoechst33342"}, 1},
		{[]string{"actin", "H 33342"}, 1},
		{[]string{"AF488", "Draq-5"}, 1},
		{[]string{"GFP", "SYTOX Green"}, 1},
		{[]string{"BF", "TO-PRO-3"}, 1},
		{[]string{"Nucleus", "DAPI"}, 1}, // a stain says it more surely
		{[]string{"cytoplasm", "nuclei"}, 1},
		{[]string{"nucleolin", "Cell nuclei"}, 1},
		{[]string{"non-nuclear", "perinuclear"}, -1},
		{[]string{"brightfield", "NucBlue"}, 1},
		{[]string{"tubulin", "H2B-mCherry"}, 1},
		{[]string{"FITC", "PI"}, 1},
		{[]string{"Pipette", "spi"}, -1},
		{[]string{"SiR-DNA", "LifeAct"}, 0},
		{[]string{"", ""}, -1},
		{nil, -1},
	} {
		require.Equal(t, c.want, nucleiChannel(c.names), "%v", c.names)
	}
}

// All pages: each in full size has a name of its own, and one that cannot be read fails alone.
func TestAllPages(t *testing.T) {
	files, _ := stacks(t)
	for name, want := range map[string][]string{
		"thumbnail-with-picture-below": {""},
		"plain":                        {"page1", "page2", "page3", "page4", "page5"},
		"metamorph-z":                  {"page1", "page2", "page3", "page4"},
		"thumbnail-first":              {""},
		"two-below":                    {"page1", "page1_sub2"},
	} {
		f := mustOpen(t, files[name+".tif"])
		pictures, _, err := f.Select(Selection{Page: "all"})
		require.NoError(t, err, name)
		var labels []string
		for _, p := range pictures {
			labels = append(labels, p.Label)
			_, _, err := p.Decode()
			require.NoError(t, err)
		}
		require.Equal(t, want, labels, name)
	}

	f := mustOpen(t, files["plain.tif"])
	f.Pages[2].invalid = errTruncated
	pictures, _, err := f.Select(Selection{Page: "all"})
	require.NoError(t, err)
	for i, p := range pictures {
		_, _, err := p.Decode()
		require.Equal(t, i == 2, err != nil, p.Label)
	}
}
