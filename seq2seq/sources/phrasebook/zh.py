"""Chinese (simplified): measure words, time before the verb, and no inflection; a smaller set of frames.

num2words knows no Chinese, so the few number words stand here.
"""

from dataclasses import dataclass

from seq2seq.sources.phrasebook import cldr
from seq2seq.sources.phrasebook.grammar import Forms, Language, fill, fixed
from seq2seq.sources.phrasebook.messages import (
    Buildings,
    Clause,
    Clock,
    Day,
    Drink,
    Embedded,
    Filler,
    Item,
    Measure,
    Money,
    Name,
    Number,
    Price,
    Pronoun,
    Role,
    Sentence,
    Term,
    When,
)
from seq2seq.sources.phrasebook.vocabulary import FORMS


@dataclass(frozen=True)
class Frame:
    """A verb with its objects.

    ``+`` marks where a past event takes 了 or 的, ``~`` where the negation goes if not before everything. A
    frame of a ``state`` has a past without 了.
    """

    predicate: str
    subject: str = "{subject}"
    state: bool = False


FRAMES = {
    "buy": Frame("买+{item}"),
    "look_for": Frame("找+{item}"),
    "lose": Frame("弄丢+{item}"),
    "repair": Frame("修理+{item}"),
    "give": Frame("把{item}送给+{other}"),
    "send": Frame("给{other}寄+{item}"),
    "pay": Frame("为{item}付+{price}"),
    "call": Frame("给{other}打+电话"),
    "help": Frame("帮助+{other}"),
    "meet": Frame("见到+{other}"),
    "wait": Frame("等+{other}"),
    "pick_up": Frame("接+{other}"),
    "visit": Frame("拜访+{other}"),
    "invite": Frame("邀请+{other}参加{event}"),
    "postpone": Frame("把{event}推迟到+{day}"),
    "cancel": Frame("取消+{event}"),
    "fly": Frame("坐飞机去+{country}"),
    "move": Frame("搬到+{country}"),
    "return": Frame("从{country}回来+"),
    "take_train": Frame("从{origin}坐火车去+{destination}"),
    "take_bus": Frame("坐公交车去+{place}"),
    "go": Frame("去+{place}"),
    "arrive": Frame("到达+{city}"),
    "stay": Frame("在{city}待+{duration}"),
    "drink": Frame("喝+{drink}"),
    "order": Frame("点+{drink}"),
    "run": Frame("跑+{distance}"),
    "learn": Frame("学习+{language}"),
    "write": Frame("用{language}给{other}写+信"),
    "translate": Frame("把{item}从{origin}翻译成+{language}"),
    "read_chapter": Frame("读+第{chapter}章"),
    "exchange": Frame("把{money}换成+{wanted}"),
    "live": Frame("住在{city}", state=True),
    "live_on_floor": Frame("住在{floor}楼", state=True),
    "speak": Frame("会说{language}", state=True),
    "work_as": Frame("当{profession}", state=True),
    "become": Frame("成为+{profession}"),
    "be_old": Frame("{age}岁", state=True),
    "be_born": Frame("出生于{city}", state=True),
    "be_taller": Frame("比{other}高{length}", state=True),
    "study": Frame("攻读{topic}", state=True),
    "like": Frame("喜欢{item}", state=True),
    "be_interested": Frame("对{topic}~感兴趣", state=True),
    "look_forward": Frame("期待{event}", state=True),
    "have_left": Frame("还有{money}", state=True),
    "belong": Frame("属于{owner}", "{item}", state=True),
    "cost": Frame("售价{price}", "{item}", state=True),
    "weigh": Frame("重{weight}", "{item}", state=True),
    "cost_per_kilogram": Frame("售价{price}", "一公斤{substance}", state=True),
    "begin": Frame("开始+", "{event}"),
    "take_place": Frame("在{city}举行+", "{event}"),
    "open": Frame("开门+", "{place}"),
    "close": Frame("关门+", "{place}"),
    "flight_takes": Frame("需要{duration}", "从{origin}到{destination}的航班", state=True),
    "there_are": Frame("有{buildings}", "{city}", state=True),
    "be_far": Frame("有{distance}", "从{origin}到{destination}", state=True),
    "be_time": Frame("是{clock}", "现在", state=True),
    "rise": Frame("上涨+{percent}", "{substance}的价格"),
    "fall": Frame("下跌+{percent}", "{substance}的价格"),
    "say": Frame("说{content}", state=True),
    "think": Frame("认为{content}", state=True),
    "know": Frame("知道{content}", state=True),
    "decide": Frame("决定{action}", state=True),
    "promise": Frame("答应{action}", state=True),
    "plan": Frame("打算{action}", state=True),
}
_NOT_A_STATE = ("be_born", "say", "decide", "promise")
_NOUNS = {  # with measure word
    "bag": "个 包", "bicycle": "辆 自行车", "book": "本 书", "camera": "台 照相机", "car": "辆 汽车",
    "chair": "把 椅子",
    "clock": "个 钟", "computer": "台 电脑", "dictionary": "本 词典", "guitar": "把 吉他", "key": "把 钥匙",
    "lamp": "盏 灯", "letter": "封 信", "map": "张 地图", "mirror": "面 镜子", "newspaper": "份 报纸",
    "phone": "部 电话",
    "picture": "幅 画", "suitcase": "个 行李箱", "table": "张 桌子", "ticket": "张 车票", "umbrella": "把 雨伞",
    "airport": "座 机场", "bakery": "家 面包店", "hotel": "家 酒店", "library": "座 图书馆", "market": "个 市场",
    "museum": "座 博物馆", "office": "间 办公室", "park": "座 公园", "restaurant": "家 餐厅", "station": "座 火车站",
    "supermarket": "家 超市", "university": "所 大学",
}  # fmt: skip
_WORDS = {
    "I": "我", "we": "我们", "you": "您", "he": "他", "she": "她", "who": "", "my": "我", "our": "我们",
    "Anna": "安娜", "Clara": "克拉拉", "Emma": "艾玛", "Julia": "茱莉亚", "Laura": "劳拉", "Maria": "玛丽亚",
    "Sophie": "索菲", "Susanne": "苏珊娜", "Ben": "本", "David": "大卫", "Felix": "菲利克斯", "Lukas": "卢卡斯",
    "Martin": "马丁", "Paul": "保罗", "Peter": "彼得", "Thomas": "托马斯",
    "sister": "姐姐", "mother": "妈妈", "aunt": "阿姨", "grandmother": "奶奶", "daughter": "女儿", "brother": "哥哥",
    "father": "爸爸", "uncle": "叔叔", "grandfather": "爷爷", "son": "儿子", "boss": "老板", "colleague": "同事",
    "neighbor": "邻居", "student": "学生", "architect": "建筑师", "cook": "厨师", "doctor": "医生",
    "engineer": "工程师", "journalist": "记者", "lawyer": "律师", "mechanic": "技工", "nurse": "护士",
    "teacher": "老师", "translator": "翻译", "waiter": "服务员",
    "beautiful": "漂亮的", "big": "大", "black": "黑色的", "blue": "蓝色的", "cheap": "便宜的", "expensive": "昂贵的",
    "green": "绿色的", "new": "新", "old": "旧", "red": "红色的", "small": "小", "white": "白色的", "": "",
    "cup": "杯", "glass": "杯", "bottle": "瓶", "beer": "啤酒", "butter": "黄油", "cheese": "奶酪",
    "chocolate": "巧克力", "cocoa": "可可", "coffee": "咖啡", "flour": "面粉", "juice": "果汁", "meat": "肉",
    "milk": "牛奶", "oil": "油", "rice": "大米", "salt": "盐", "sugar": "糖", "tea": "茶", "water": "水",
    "wine": "葡萄酒",
    "concert": "音乐会", "conference": "研讨会", "course": "课程", "dinner": "晚宴", "exam": "考试",
    "exhibition": "展览", "game": "比赛", "interview": "采访", "lecture": "讲座", "meeting": "会议", "party": "聚会",
    "wedding": "婚礼", "architecture": "建筑", "art": "艺术", "chemistry": "化学", "history": "历史",
    "literature": "文学", "mathematics": "数学", "music": "音乐", "philosophy": "哲学", "physics": "物理",
    "politics": "政治", "where": "在哪里", "when": "什么时候", "why": "为什么", "whether": "是否",
}  # fmt: skip
_DAYS = {
    "yesterday": "昨天", "today": "今天", "tomorrow": "明天", "weekday": "{weekday}", "last": "上个{weekday}",
    "next": "下个{weekday}", "every": "每个{weekday}", "date": "{date}", "weekday_date": "{date}{weekday}",
    "full_date": "{full_date}", "month": "{month}", "ago": "{distance}", "ahead": "{distance}",
    "since_year": "从{year}年起一直", "since_span": "{span}来一直",
}  # fmt: skip
_MODALS = {"can": ("能", "不能"), "have_to": ("必须", "不必"), "should": ("应该", "不应该"), "want_to": ("想", "不想")}
_DIGITS = "零一二三四五六七八九"
_JOINTS = {
    "because": "{0}，因为{1}",
    "because_first": "因为{1}，所以{0}",
    "if": "如果{1}，{0}",
    "although": "{0}，尽管{1}",
    "although_first": "虽然{1}，但是{0}",
    "so": "{0}，所以{1}",
    "and": "{0}，而且{1}",
    "but": "{0}，但是{1}",
}


def _number(number: int) -> str:
    """A number below 60 in characters."""
    tens, ones = divmod(number, 10)
    return (_DIGITS[tens] if tens > 1 else "") + ("十" if tens else "") + (_DIGITS[ones] if ones else "")


def _count(number: int, measure_word: str) -> str:
    return f"{'两' if number == 2 else _number(number)}{measure_word}"


def _clock(clock: Clock) -> str:
    if not clock.spoken:
        return cldr.digital("zh", clock)
    hour = _count(clock.hour, "点")
    match clock.minute:
        case 0:
            return hour
        case 15:
            return f"{hour}一刻"
        case 30:
            return f"{hour}半"
        case 45:
            return f"差一刻{_count(clock.hour % 12 + 1, '点')}"
    return f"{hour}{_number(clock.minute)}分"


def _when(when: When | None) -> str:
    if when is None:
        return ""
    day = cldr.say_day("zh", when.day, _DAYS[when.day.kind]) if when.day else ""
    return day + (_clock(when.clock) if when.clock else "")


def _phrase(filler: Filler) -> Forms:  # noqa: PLR0911, PLR0912 -- one case for each kind of filler
    match filler:
        case Pronoun(word) | Name(word):
            return fixed(_WORDS[word])
        case Role(noun, owner, relative):
            described = f"{_clause(relative)}的" if relative else ""
            if owner == "the":
                return fixed(f"{described}那位{_WORDS[noun]}")
            return fixed(f"{_WORDS[owner]}{described or '的'}{_WORDS[noun]}")
        case Item(noun, determiner, adjective, count):
            measure_word, word = _NOUNS[noun].split()
            first = {"": _count(count, measure_word), "a": f"一{measure_word}", "the": f"那{measure_word}", "no": ""}
            return fixed(f"{first.get(determiner) or f'{_WORDS[determiner]}的'}{_WORDS[adjective]}{word}")
        case Drink(container, drink, count):
            return fixed(_count(count, _WORDS[container]) + _WORDS[drink])
        case Buildings(place, count):
            measure_word, word = _NOUNS[place].split()
            return fixed(_count(count, measure_word) + word)
        case Measure(substance=substance):
            return fixed(cldr.figure("zh", filler) + _WORDS[substance])
        case Price() | Money():
            return fixed(cldr.figure("zh", filler))
        case Number(form, value):
            return fixed(_number(value) if form == "ordinal" else cldr.figure("zh", filler))
        case Clock():
            return fixed(_clock(filler))
        case Day():
            return fixed(cldr.weekday("zh", filler))
        case Term():
            return fixed(_term(filler))
        case Embedded("to", clause):
            return fixed(_clause(clause, infinitive=True))
        case Embedded("that", clause):
            return fixed(_clause(clause))
        case Embedded(word, clause):
            return fixed(_clause(clause, asked=word))


def _term(term: Term) -> str:
    match term.kind:
        case "city":
            return cldr.city("zh", term.name)
        case "country":
            return cldr.country("zh", term.name)
        case "language":
            return cldr.tongue("zh", term.name)
        case "place":
            return _NOUNS[term.name].split()[1]
    return _WORDS[term.name]


def _auxiliary(clause: Clause, frame: Frame, never: str) -> str:
    """What stands before the verb: negation, modal or future."""
    if clause.modal:
        return _MODALS[clause.modal][clause.negated]
    if clause.tense == "future":
        sign = "会" if frame.subject == "{subject}" else "将"
        return f"不{sign}" if clause.negated else sign
    if not clause.negated or "~" in frame.predicate:
        return ""
    return "没" if clause.tense == "past" and not frame.state else never


def _clause(clause: Clause, asked: str = "", fronted: bool = False, infinitive: bool = False, never: str = "不") -> str:
    """Subject, time, auxiliary, place, verb; a word that asks stands where its answer would."""
    frame = FRAMES[clause.frame]
    phrases = {name: _phrase(filler) for name, filler in clause.slots.items()}
    item = clause.slots.get("item")
    if clause.negated and isinstance(item, Item) and item.determiner == "a":
        phrases["item"] = fixed(phrases["item"][""][2:])  # 没买书, without 一本
    subject = "" if infinitive else fill(frame.subject, phrases)
    when = "" if fronted else _when(clause.when)
    if clause.tense == "past" and frame.state and clause.frame not in _NOT_A_STATE:
        when += "当时"
    happened = clause.tense == "past" and not clause.negated and not clause.modal
    perfect = "的" if asked in ("when", "where") else "了"  # what is asked then is not the deed
    predicate = fill(frame.predicate, phrases).replace("+", perfect if happened else "")
    predicate = predicate.replace("~", "不" if clause.negated else "")
    place = f"在{_NOUNS[clause.place].split()[1]}" if clause.place else ""
    ask = {word: _WORDS[word] if word == asked else "" for word in ("why", "when", "whether", "where")}
    order = [
        subject,
        ask["why"],
        ask["when"],
        when,
        ask["whether"],
        _auxiliary(clause, frame, never),
        ask["where"],
        place,
    ]
    return "".join([*order, predicate])


def render(sentence: Sentence) -> str:
    """Say a message in Chinese."""
    first = sentence.clauses[0]
    match sentence.form:
        case "statement":
            return f"{_clause(first)}。"
        case "fronted":
            return f"{_when(first.when)}，{_clause(first, fronted=True)}。"
        case "question":
            return f"{_clause(first)}吗？"
        case "where" | "when" | "why":
            return f"{_clause(first, asked=sentence.form)}？"
        case "request":
            return f"请{_clause(first, infinitive=True, never='不要')}。"
    return _JOINTS[sentence.form].format(*map(_clause, sentence.clauses)) + "。"


LANGUAGE = Language("zh", render, frozenset(FRAMES), frozenset(FORMS) - {"before"}, frozenset(_MODALS))
