package tiff

// Tags of TIFF 6.0 and its supplements that are read.
const (
	tagNewSubfileType    = 254
	tagSubfileType       = 255
	tagImageWidth        = 256
	tagImageLength       = 257
	tagBitsPerSample     = 258
	tagCompression       = 259
	tagPhotometric       = 262
	tagFillOrder         = 266
	tagImageDescription  = 270
	tagStripOffsets      = 273
	tagOrientation       = 274
	tagSamplesPerPixel   = 277
	tagRowsPerStrip      = 278
	tagStripByteCounts   = 279
	tagXResolution       = 282
	tagYResolution       = 283
	tagPlanarConfig      = 284
	tagT4Options         = 292
	tagResolutionUnit    = 296
	tagSoftware          = 305
	tagPredictor         = 317
	tagColorMap          = 320
	tagTileWidth         = 322
	tagTileLength        = 323
	tagTileOffsets       = 324
	tagTileByteCounts    = 325
	tagSubIFDs           = 330
	tagExtraSamples      = 338
	tagSampleFormat      = 339
	tagJPEGTables        = 347
	tagYCbCrCoefficients = 529
	tagYCbCrSubsampling  = 530
	tagReferenceBW       = 532
	tagLSMInfo           = 34412
	tagIJMetadataCounts  = 50838
	tagIJMetadata        = 50839
	tagMicroManager      = 51123
	tagNDPIMagnification = 65421
)

// A Photometric says what the samples of a pixel mean (tag PhotometricInterpretation).
type Photometric int

const (
	WhiteIsZero Photometric = 0
	BlackIsZero Photometric = 1
	RGB         Photometric = 2
	Palette     Photometric = 3
	Mask        Photometric = 4
	Separated   Photometric = 5 // inks, mostly CMYK
	YCbCr       Photometric = 6
	CIELab      Photometric = 8
	ICCLab      Photometric = 9
	ITULab      Photometric = 10
	CFA         Photometric = 32803 // the mosaic of a camera's colour filters
	LogL        Photometric = 32844
	LogLuv      Photometric = 32845
	LinearRaw   Photometric = 34892
)

// Codes of the tag Compression.
const (
	compressionNone      = 1
	compressionRLE       = 2 // CCITT modified Huffman
	compressionFax3      = 3
	compressionFax4      = 4
	compressionLZW       = 5
	compressionOldJPEG   = 6
	compressionJPEG      = 7
	compressionDeflate   = 8
	compressionRLEWord   = 32771 // as 2, rows begin at words
	compressionPackBits  = 32773
	compressionDeflate2  = 32946
	compressionDeflate3  = 50013
	compressionZstd      = 50000
	compressionWebP      = 50001
	compressionAperioYCC = 33003
)

// unread names compressions of other files, and what to do about them where that is worth a word.
var unread = map[int]string{
	compressionOldJPEG: "old-style JPEG", 9: "JBIG (T.85)", 10: "JBIG (T.43)", 32766: "NeXT", 32809: "ThunderScan", 32895: "IT8 CT", 32896: "IT8 LW", 32897: "IT8 MP", 32898: "IT8 BL",
	32908: "Pixar film", 32909: "PixarLog", 32947: "Kodak DCS", 33003: "JPEG 2000", 33004: "JPEG 2000", 33005: "JPEG 2000", 33007: "JPEG of ALT", 34661: "JBIG",
	34676: "SGI log", 34677: "SGI log 24", 34712: "JPEG 2000", 34713: "Nikon NEF", 34715: "JBIG2", 34718: "MDI binary level", 34719: "MDI progressive", 34720: "MDI vector",
	34887: "LERC", 34892: "lossy JPEG of DNG", 34925: "LZMA", 34926: "Zstandard (old code)", 34927: "WebP (old code)", 34933: "PNG", 34934: "JPEG XR", 22610: "JPEG XR",
	48124: "Jetraw", 50002: "JPEG XL", 52546: "JPEG XL", 65000: "EER", 65001: "EER", 65002: "EER",
}
