"""What 云织 Yunzhi sells and where: words from which its catalogue and its stores are put together. All made up."""

import msgspec


class Garment(msgspec.Struct, frozen=True):
    """A sort of garment: names, where it hangs, what it costs in yuan, and in which fabrics and cuts it is made."""

    code: str
    zh: str
    en: str
    department: str
    yuan: int
    fabrics: tuple[tuple[str, str], ...]
    cuts: tuple[tuple[str, str], ...]
    sized: bool = True


DEPARTMENTS = {
    "outerwear": ("外套", "Outerwear"),
    "tops": ("上装", "Tops"),
    "bottoms": ("下装", "Bottoms"),
    "dresses": ("连衣裙", "Dresses"),
    "accessories": ("配饰", "Accessories"),
}

_WOOLS = (
    ("双面羊毛", "Double-Faced Wool"), ("羊绒混纺", "Cashmere Blend"), ("驼绒", "Camel Hair"),
    ("羊驼毛", "Alpaca"), ("粗花呢", "Tweed"),
)  # fmt: skip
_COTTONS = (
    ("新疆长绒棉", "Xinjiang Long-Staple Cotton"), ("水洗棉", "Washed Cotton"), ("丝光棉", "Mercerised Cotton"),
    ("有机棉", "Organic Cotton"), ("莫代尔棉", "Modal Cotton"),
)  # fmt: skip
_LIGHT = (
    ("桑蚕丝", "Mulberry Silk"), ("亚麻", "Linen"), ("天丝", "Lyocell"), ("香云纱", "Gambiered Silk"),
    ("苎麻", "Ramie"),
)  # fmt: skip
_TECHNICAL = (
    ("防泼水", "Water-Repellent"), ("轻量", "Featherlight"), ("三合一", "Three-in-One"), ("再生尼龙", "Recycled Nylon"),
    ("防风", "Windproof"),
)  # fmt: skip
_DENIMS = (
    ("原色", "Raw Denim"), ("水洗蓝", "Washed Blue"), ("黑色", "Black Denim"), ("弹力", "Stretch"),
    ("植物染", "Plant-Dyed"),
)  # fmt: skip

GARMENTS = (
    Garment("coat", "大衣", "Coat", "outerwear", 1899, _WOOLS,
            (("长款", "Long"), ("中长款", "Mid-Length"), ("系带", "Belted"), ("茧型", "Cocoon"))),
    Garment("down", "羽绒服", "Down Jacket", "outerwear", 1399, _TECHNICAL,
            (("短款", "Cropped"), ("长款", "Long"), ("连帽", "Hooded"), ("立领", "Stand-Collar"))),
    Garment("trench", "风衣", "Trench Coat", "outerwear", 1199, _TECHNICAL,
            (("双排扣", "Double-Breasted"), ("单排扣", "Single-Breasted"), ("短款", "Short"), ("廓形", "Oversized"))),
    Garment("shirt", "衬衫", "Shirt", "tops", 459, _LIGHT,
            (("立领", "Mandarin-Collar"), ("飘带", "Tie-Neck"), ("宽松", "Relaxed"), ("通勤", "Office"))),
    Garment("tee", "T恤", "T-Shirt", "tops", 199, _COTTONS,
            (("圆领", "Crew-Neck"), ("V领", "V-Neck"), ("短款", "Cropped"), ("长袖", "Long-Sleeve"))),
    Garment("knit", "针织衫", "Sweater", "tops", 599, _WOOLS,
            (("高领", "Turtleneck"), ("圆领", "Crew-Neck"), ("开衫", "Cardigan"), ("麻花", "Cable-Knit"))),
    Garment("hoodie", "卫衣", "Sweatshirt", "tops", 399, _COTTONS,
            (("连帽", "Hooded"), ("圆领", "Crew-Neck"), ("拉链", "Zip-Up"), ("刺绣", "Embroidered"))),
    Garment("trousers", "长裤", "Trousers", "bottoms", 529, _LIGHT,
            (("阔腿", "Wide-Leg"), ("直筒", "Straight"), ("锥形", "Tapered"), ("西装", "Tailored"))),
    Garment("jeans", "牛仔裤", "Jeans", "bottoms", 499, _DENIMS,
            (("高腰", "High-Rise"), ("直筒", "Straight"), ("微喇", "Bootcut"), ("九分", "Ankle"))),
    Garment("skirt", "半身裙", "Skirt", "bottoms", 429, _LIGHT,
            (("百褶", "Pleated"), ("A字", "A-Line"), ("马面", "Horse-Face"), ("鱼尾", "Mermaid"))),
    Garment("dress", "连衣裙", "Dress", "dresses", 799, _LIGHT,
            (("茶歇", "Tea"), ("吊带", "Slip"), ("衬衫式", "Shirt"), ("改良旗袍", "Modern Qipao"))),
    Garment("scarf", "围巾", "Scarf", "accessories", 299, _WOOLS,
            (("流苏", "Fringed"), ("格纹", "Checked"), ("方形", "Square"), ("提花", "Jacquard")), sized=False),
)  # fmt: skip

COLOURS = (
    ("ink", "墨黑", "Ink Black"), ("moon", "月白", "Moon White"), ("celadon", "天青", "Celadon"),
    ("cinnabar", "朱砂", "Cinnabar"), ("ochre", "秋香", "Ochre"), ("indigo", "靛蓝", "Indigo"),
    ("smoke", "烟灰", "Smoke Grey"), ("rouge", "胭脂", "Rouge"), ("pine", "松绿", "Pine Green"),
    ("sand", "驼色", "Camel"),
)  # fmt: skip
SIZES = (("s", "S"), ("m", "M"), ("l", "L"), ("xl", "XL"))
ONE_SIZE = ("one", "均码")


class Shop(msgspec.Struct, frozen=True):
    """A store: city, district, names, place, and the code of its operator (None: the brand itself)."""

    region: str
    city: str
    code: str
    name: str
    lat: float
    lng: float
    operator: str | None = None


REGIONS = {"east": "华东区 East", "north": "华北区 North", "south": "华南区 South", "west": "西南区 South-West"}
CITIES = {
    "shanghai": ("east", "上海 Shanghai"),
    "hangzhou": ("east", "杭州 Hangzhou"),
    "nanjing": ("east", "南京 Nanjing"),
    "suzhou": ("east", "苏州 Suzhou"),
    "beijing": ("north", "北京 Beijing"),
    "tianjin": ("north", "天津 Tianjin"),
    "jinan": ("north", "济南 Jinan"),
    "guangzhou": ("south", "广州 Guangzhou"),
    "shenzhen": ("south", "深圳 Shenzhen"),
    "xiamen": ("south", "厦门 Xiamen"),
    "chengdu": ("west", "成都 Chengdu"),
    "chongqing": ("west", "重庆 Chongqing"),
    "kunming": ("west", "昆明 Kunming"),
}
OPERATORS = (
    ("agent-east", "江南代理", "agent"),
    ("agent-west", "巴蜀代理", "agent"),
    ("franchise-lin", "林氏加盟", "franchisee"),
    ("franchise-zhao", "赵氏加盟", "franchisee"),
    ("franchise-yang", "杨氏加盟", "franchisee"),
)
SHOPS = (
    Shop("east", "shanghai", "sh-nanjing-west", "上海南京西路店", 31.2304, 121.4580),
    Shop("east", "shanghai", "sh-xujiahui", "上海徐家汇店", 31.1945, 121.4370),
    Shop("east", "shanghai", "sh-lujiazui", "上海陆家嘴店", 31.2397, 121.4998),
    Shop("east", "hangzhou", "hz-hubin", "杭州湖滨店", 30.2530, 120.1646),
    Shop("east", "hangzhou", "hz-binjiang", "杭州滨江店", 30.2084, 120.2120, "agent-east"),
    Shop("east", "nanjing", "nj-xinjiekou", "南京新街口店", 32.0415, 118.7840, "agent-east"),
    Shop("east", "suzhou", "sz-guanqian", "苏州观前街店", 31.3110, 120.6270, "agent-east"),
    Shop("north", "beijing", "bj-sanlitun", "北京三里屯店", 39.9334, 116.4541),
    Shop("north", "beijing", "bj-xidan", "北京西单店", 39.9108, 116.3740),
    Shop("north", "beijing", "bj-wangjing", "北京望京店", 39.9960, 116.4800),
    Shop("north", "tianjin", "tj-binjiang-road", "天津滨江道店", 39.1180, 117.1950),
    Shop("north", "jinan", "jn-quancheng", "济南泉城路店", 36.6650, 117.0230, "franchise-zhao"),
    Shop("south", "guangzhou", "gz-tianhe", "广州天河路店", 23.1330, 113.3270),
    Shop("south", "guangzhou", "gz-beijing-road", "广州北京路店", 23.1250, 113.2680),
    Shop("south", "shenzhen", "szx-futian", "深圳福田店", 22.5370, 114.0580),
    Shop("south", "shenzhen", "szx-nanshan", "深圳南山店", 22.5170, 113.9350),
    Shop("south", "xiamen", "xm-zhongshan", "厦门中山路店", 24.4570, 118.0780, "franchise-lin"),
    Shop("south", "xiamen", "xm-sm", "厦门仙岳路店", 24.5030, 118.1260, "franchise-lin"),
    Shop("west", "chengdu", "cd-chunxi", "成都春熙路店", 30.6570, 104.0790),
    Shop("west", "chengdu", "cd-jiaozi", "成都交子大道店", 30.5850, 104.0640, "agent-west"),
    Shop("west", "chongqing", "cq-jiefangbei", "重庆解放碑店", 29.5577, 106.5770, "agent-west"),
    Shop("west", "chongqing", "cq-guanyinqiao", "重庆观音桥店", 29.5760, 106.5300, "agent-west"),
    Shop("west", "kunming", "km-nanping", "昆明南屏街店", 25.0400, 102.7100, "franchise-yang"),
    Shop("west", "kunming", "km-beijing-road", "昆明北京路店", 25.0570, 102.7200, "franchise-yang"),
)

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹"
GIVEN = (
    "安然", "书瑶", "雨桐", "思远", "子涵", "一诺", "若溪", "景行", "知夏", "云舒", "清和", "望舒", "予安", "星野",
    "静姝", "明哲", "念慈", "嘉树", "听雨", "怀瑾", "乐怡", "采薇", "向晚", "长风", "初晴", "晓棠", "沐阳", "南乔",
    "可心", "承泽",
)  # fmt: skip
