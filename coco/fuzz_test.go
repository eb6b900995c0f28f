package coco

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
)

// The fuzz targets look for crashes, for results that other JSON readers would see differently, and for memory beyond a
// multiple of the input. Run them by count: go test ./coco -fuzz FuzzResults -fuzztime 1000000x

// limit fails if f allocates more than a multiple of the input.
func limit(t *testing.T, n int, f func()) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+200*n); got > most {
		t.Fatalf("%d bytes allocated for %d bytes of input", got, n)
	}
}

func FuzzResults(f *testing.F) {
	f.Add([]byte(smallResults))
	f.Add([]byte(`{"annotations":` + smallResults + `}`))
	f.Add([]byte("\xef\xbb\xbf[]"))
	f.Add([]byte(`[{"image_id":"x","category_id":1e0,"bbox":[NaN,-Infinity,1e999,0.1e-5],"score":-0,"keypoints":[1,2,3]}]`))
	f.Add([]byte(`[{"image_id":17293822569102704641,"category_id":null,"score":1,"segmentation":{"size":[4,5],"counts":"b'24\\\\1'"}},{"image_id":-1.5,"category_id":"x","score":1,"segmentation":[1,2,3]}]`))
	f.Add([]byte(strings.Replace(smallResults, `"24\\1"`, `[1,2,3]`, 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r *Results
		var err error
		limit(t, len(b), func() { r, err = ParseResults(b, "", AllFields) })
		if err != nil {
			return
		}
		var list []map[string]any
		if json.Unmarshal(b, &list) != nil {
			return // NaN, a byte order mark, an object around the list
		}
		if len(list) != r.Len() {
			t.Fatalf("%d results, want %d", r.Len(), len(list))
		}
		for i, x := range list {
			if x["score"] != r.Score[i] {
				t.Fatalf("result %d: score %v, want %v", i, r.Score[i], x["score"])
			}
			if id, ok := x["category_id"].(float64); ok && r.CategoryNames == nil && id != float64(r.CategoryID[i]) {
				t.Fatalf("result %d: category %d, want %v", i, r.CategoryID[i], id)
			}
			if id, ok := x["image_id"].(float64); ok && r.ImageNames == nil && id != float64(r.ImageID[i]) {
				t.Fatalf("result %d: image %d, want %v", i, r.ImageID[i], id)
			}
			if box, ok := x["bbox"].([]any); ok && len(box) == 4 {
				for j, v := range r.Box[i] {
					if v != box[j] {
						t.Fatalf("result %d: box %v, want %v", i, r.Box[i], box)
					}
				}
			}
			r.Entry(i)
		}
	})
}

func FuzzDataset(f *testing.F) {
	f.Add([]byte(smallDataset))
	f.Add([]byte(`{"images":[{"id":"x","neg_category_ids":[1],"not_exhaustive_category_ids":null}],"annotations":[{"id":"7","image_id":"x","category_id":1,"bbox":[],"area":null,"segmentation":[]}],"categories":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d *Dataset
		var err error
		limit(t, len(b), func() { d, err = ParseDataset(b, "", AllFields) })
		if err != nil {
			return
		}
		var x map[string]any
		if json.Unmarshal(b, &x) != nil {
			return
		}
		for name, n := range map[string]int{"images": len(d.Images), "categories": len(d.Categories), "annotations": d.Len()} {
			if list, _ := x[name].([]any); len(list) != n {
				t.Fatalf("%d %s, want %d", n, name, len(list))
			}
		}
		for i := range d.Len() {
			a := x["annotations"].([]any)[i].(map[string]any)
			if area, ok := a["area"].(float64); ok && area != d.Area[i] {
				t.Fatalf("annotation %d: area %v, want %v", i, d.Area[i], area)
			}
			if list, ok := a["segmentation"].([]any); ok && !d.Mask[i].Flat && len(list) != len(d.Polygons(i)) {
				t.Fatalf("annotation %d: %d polygons, want %d", i, len(d.Polygons(i)), len(list))
			}
			d.Entry(i)
		}
	})
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5e-3", "224.24000549316406", "1e400", "0.000001", "123456789012345678901234567890"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parse(s)
		var want json.Number
		if json.Unmarshal([]byte(s), &want) != nil || string(want) != s {
			return
		}
		f, _ := want.Float64()
		if !ok || f != got {
			t.Fatalf("%s: %v %v, want %v", s, got, ok, f)
		}
	})
}

func FuzzImageField(f *testing.F) {
	f.Add([]byte(`{"images":[{"id":1,"camera":"x"},{"camera":{"a":[1]}},{"camera":null}],"images":[{"id":2}]}`))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := scanner{b: b}
		var values []string
		limit(t, len(b), func() { values = s.imageField("camera") })
		var file map[string]json.RawMessage
		var images []map[string]any
		if s.err != nil || json.Unmarshal(b, &file) != nil || file["images"] != nil && json.Unmarshal(file["images"], &images) != nil {
			return
		}
		if len(values) != len(images) {
			t.Fatalf("%d values, want %d", len(values), len(images))
		}
	})
}
