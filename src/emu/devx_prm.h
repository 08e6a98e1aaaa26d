/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the firmware and the contexts in them, as the PRM and mlx5_ifc.h lay them out: the
 * names here are theirs (mlx5_ifc_NAME_bits), the numbers bits from the structure's start.
 */
#ifndef EMU_DEVX_PRM_H
#define EMU_DEVX_PRM_H

#include "devx.h"

/* PRM "Command opcodes" */
enum {
	EMU_CMD_QUERY_HCA_CAP = 0x100,
	EMU_CMD_QUERY_ADAPTER = 0x101,
	EMU_CMD_QUERY_ISSI = 0x10a,
	EMU_CMD_CREATE_MKEY = 0x200,
	EMU_CMD_QUERY_MKEY = 0x201,
	EMU_CMD_CREATE_CQ = 0x400,
	EMU_CMD_QUERY_CQ = 0x402,
	EMU_CMD_MODIFY_CQ = 0x403,
	EMU_CMD_CREATE_QP = 0x500,
	EMU_CMD_RST2INIT_QP = 0x502,
	EMU_CMD_INIT2RTR_QP = 0x503,
	EMU_CMD_RTR2RTS_QP = 0x504,
	EMU_CMD_RTS2RTS_QP = 0x505,
	EMU_CMD_SQERR2RTS_QP = 0x506,
	EMU_CMD_2ERR_QP = 0x507,
	EMU_CMD_2RST_QP = 0x50a,
	EMU_CMD_QUERY_QP = 0x50b,
	EMU_CMD_INIT2INIT_QP = 0x50e,
	EMU_CMD_CREATE_PSV = 0x600,
	EMU_CMD_CREATE_SRQ = 0x700,
	EMU_CMD_QUERY_SRQ = 0x702,
	EMU_CMD_ARM_RQ = 0x703,
	EMU_CMD_CREATE_XRC_SRQ = 0x705,
	EMU_CMD_QUERY_XRC_SRQ = 0x707,
	EMU_CMD_ARM_XRC_SRQ = 0x708,
	EMU_CMD_CREATE_DCT = 0x710,
	EMU_CMD_QUERY_DCT = 0x713,
	EMU_CMD_CREATE_XRQ = 0x717,
	EMU_CMD_QUERY_XRQ = 0x719,
	EMU_CMD_QUERY_VPORT_STATE = 0x750,
	EMU_CMD_QUERY_ESW_VPORT_CONTEXT = 0x752,
	EMU_CMD_QUERY_NIC_VPORT_CONTEXT = 0x754,
	EMU_CMD_QUERY_ROCE_ADDRESS = 0x760,
	EMU_CMD_QUERY_HCA_VPORT_CONTEXT = 0x762,
	EMU_CMD_QUERY_VNIC_ENV = 0x76f,
	EMU_CMD_QUERY_VPORT_COUNTER = 0x770,
	EMU_CMD_ALLOC_Q_COUNTER = 0x771,
	EMU_CMD_QUERY_Q_COUNTER = 0x773,
	EMU_CMD_CREATE_SCHEDULING_ELEMENT = 0x782,
	EMU_CMD_QUERY_SCHEDULING_ELEMENT = 0x784,
	EMU_CMD_MODIFY_SCHEDULING_ELEMENT = 0x785,
	EMU_CMD_ALLOC_PD = 0x800,
	EMU_CMD_ATTACH_TO_MCG = 0x806,
	EMU_CMD_NOP = 0x80d,
	EMU_CMD_ALLOC_XRCD = 0x80e,
	EMU_CMD_ALLOC_TRANSPORT_DOMAIN = 0x816,
	EMU_CMD_QUERY_CONG_STATUS = 0x822,
	EMU_CMD_ADD_VXLAN_UDP_DPORT = 0x827,
	EMU_CMD_SET_L2_TABLE_ENTRY = 0x829,
	EMU_CMD_QUERY_L2_TABLE_ENTRY = 0x82a,
	EMU_CMD_QUERY_LAG = 0x842,
	EMU_CMD_CREATE_TIR = 0x900,
	EMU_CMD_MODIFY_TIR = 0x901,
	EMU_CMD_QUERY_TIR = 0x903,
	EMU_CMD_CREATE_SQ = 0x904,
	EMU_CMD_MODIFY_SQ = 0x905,
	EMU_CMD_QUERY_SQ = 0x907,
	EMU_CMD_CREATE_RQ = 0x908,
	EMU_CMD_MODIFY_RQ = 0x909,
	EMU_CMD_QUERY_RQ = 0x90b,
	EMU_CMD_CREATE_RMP = 0x90c,
	EMU_CMD_MODIFY_RMP = 0x90d,
	EMU_CMD_QUERY_RMP = 0x90f,
	EMU_CMD_CREATE_TIS = 0x912,
	EMU_CMD_MODIFY_TIS = 0x913,
	EMU_CMD_QUERY_TIS = 0x915,
	EMU_CMD_CREATE_RQT = 0x916,
	EMU_CMD_MODIFY_RQT = 0x917,
	EMU_CMD_QUERY_RQT = 0x919,
	EMU_CMD_CREATE_FLOW_TABLE = 0x930,
	EMU_CMD_QUERY_FLOW_TABLE = 0x932,
	EMU_CMD_CREATE_FLOW_GROUP = 0x933,
	EMU_CMD_QUERY_FLOW_GROUP = 0x935,
	EMU_CMD_SET_FLOW_TABLE_ENTRY = 0x936,
	EMU_CMD_QUERY_FLOW_TABLE_ENTRY = 0x937,
	EMU_CMD_ALLOC_FLOW_COUNTER = 0x939,
	EMU_CMD_QUERY_FLOW_COUNTER = 0x93b,
	EMU_CMD_MODIFY_FLOW_TABLE = 0x93c,
	EMU_CMD_ALLOC_PACKET_REFORMAT_CONTEXT = 0x93d,
	EMU_CMD_QUERY_PACKET_REFORMAT_CONTEXT = 0x93f,
	EMU_CMD_ALLOC_MODIFY_HEADER_CONTEXT = 0x940,
	EMU_CMD_QUERY_MODIFY_HEADER_CONTEXT = 0x942,
	EMU_CMD_CREATE_GENERAL_OBJECT = 0xa00,
	EMU_CMD_MODIFY_GENERAL_OBJECT = 0xa01,
	EMU_CMD_QUERY_GENERAL_OBJECT = 0xa02,
	EMU_CMD_GENERAL_START = 0xb00, /* mlx5_ifc.h: MLX5_CMD_OP_GENERAL_START, _END */
	EMU_CMD_GENERAL_END = 0xd00
};

/* Every command's header and answer; the object's number where most have it. */
#define F_OPCODE	 EMU_F(0x00, 16)
#define F_OP_MOD	 EMU_F(0x30, 16)
#define F_STATUS	 EMU_F(0x00, 8)
#define F_SYNDROME	 EMU_F(0x20, 32)
#define F_NUMBER	 EMU_F(0x48, 24) /* of commands and answers */
#define F_GENERAL_ID	 EMU_F(0x40, 32) /* general_obj_in_cmd_hdr.obj_id */
#define F_MODIFY_BITMASK EMU_F(0x80, 64)
#define F_CURRENT_STATE	 EMU_F(0x40, 4) /* modify_sq_in.sq_state, modify_rq_in.rq_state */

#define EMU_CMD_HEADER	16u  /* bytes: of most commands, and of every answer */
#define EMU_CMD_CONTEXT 32u  /* where the context begins in create and modify commands */
#define EMU_OUT_CONTEXT 32u  /* and in the answers of queries of RQ, SQ, TIR, RQT */
#define EMU_CTX_SIZE	240u /* bytes of rqc, sqc, tirc and, without its list, rqtc */

/* wq, which lies in rqc and sqc at */
#define EMU_WQ_AT	  48u
#define F_WQ_TYPE	  EMU_F(0x000, 4)
#define F_WQ_SIGNATURE	  EMU_F(0x004, 1)
#define F_WQ_END_PADDING  EMU_F(0x005, 2)
#define F_WQ_CD_SLAVE	  EMU_F(0x007, 1)
#define F_WQ_HDS	  EMU_F(0x020, 4) /* hds_skip_first_sge, log2_hds_buf_size */
#define F_WQ_PAGE_OFFSET  EMU_F(0x02b, 5)
#define F_WQ_LWM	  EMU_F(0x030, 16)
#define F_WQ_PD		  EMU_F(0x048, 24)
#define F_WQ_UAR_PAGE	  EMU_F(0x068, 24)
#define F_WQ_DBR_ADDR	  EMU_F(0x080, 64)
#define F_WQ_HW_COUNTER	  EMU_F(0x0c0, 32)
#define F_WQ_SW_COUNTER	  EMU_F(0x0e0, 32)
#define F_WQ_LOG_STRIDE	  EMU_F(0x10c, 4)
#define F_WQ_LOG_PG_SZ	  EMU_F(0x113, 5)
#define F_WQ_LOG_SZ	  EMU_F(0x11b, 5)
#define F_WQ_NUM_STRIDES  EMU_F(0x134, 4) /* single_wqe_log_num_of_strides, less 9 */
#define F_WQ_TWO_BYTE	  EMU_F(0x138, 1)
#define F_WQ_STRIDE_BYTES EMU_F(0x13d, 3) /* single_stride_log_num_of_bytes, less 6 */
#define F_WQ_DBR_UMEM	  EMU_F(0x140, 32)
#define F_WQ_UMEM	  EMU_F(0x160, 32)
#define F_WQ_UMEM_OFFSET  EMU_F(0x180, 64)

/* sqc */
#define F_SQC_RLKY	 EMU_F(0x00, 1)
#define F_SQC_CD_MASTER	 EMU_F(0x01, 1)
#define F_SQC_FRE	 EMU_F(0x02, 1)
#define F_SQC_FLUSH	 EMU_F(0x03, 1)
#define F_SQC_EMPW	 EMU_F(0x04, 1)
#define F_SQC_MIN_INLINE EMU_F(0x05, 3)
#define F_SQC_STATE	 EMU_F(0x08, 4)
#define F_SQC_REG_UMR	 EMU_F(0x0c, 1)
#define F_SQC_SWP	 EMU_F(0x0d, 1)
#define F_SQC_HAIRPIN	 EMU_F(0x0e, 1)
#define F_SQC_NON_WIRE	 EMU_F(0x0f, 1)
#define F_SQC_STATIC	 EMU_F(0x10, 1)
#define F_SQC_TS_FORMAT	 EMU_F(0x1a, 2)
#define F_SQC_USER_INDEX EMU_F(0x28, 24)
#define F_SQC_CQN	 EMU_F(0x48, 24)
#define F_SQC_RATE_INDEX EMU_F(0xf0, 16)
#define F_SQC_TIS_LST_SZ EMU_F(0x100, 16)
#define F_SQC_TIS	 EMU_F(0x168, 24)

/* rqc */
#define F_RQC_RLKY	  EMU_F(0x00, 1)
#define F_RQC_DELAY_DROP  EMU_F(0x01, 1)
#define F_RQC_SCATTER_FCS EMU_F(0x02, 1)
#define F_RQC_VSD	  EMU_F(0x03, 1)
#define F_RQC_MEM_TYPE	  EMU_F(0x04, 4)
#define F_RQC_STATE	  EMU_F(0x08, 4)
#define F_RQC_FLUSH	  EMU_F(0x0d, 1)
#define F_RQC_HAIRPIN	  EMU_F(0x0e, 1)
#define F_RQC_TS_FORMAT	  EMU_F(0x1a, 2)
#define F_RQC_USER_INDEX  EMU_F(0x28, 24)
#define F_RQC_CQN	  EMU_F(0x48, 24)
#define F_RQC_COUNTER	  EMU_F(0x60, 8)
#define F_RQC_RMPN	  EMU_F(0x88, 24)
enum { EMU_RQ_MODIFY_LWM = 1, EMU_RQ_MODIFY_VSD = 2, EMU_RQ_MODIFY_FCS = 4, EMU_RQ_MODIFY_CNT = 8 };

/* {sq,rq,qp}_ts_format, cq_timestamp_format */
enum { EMU_TS_FREE_RUNNING, EMU_TS_DEFAULT, EMU_TS_REAL_TIME };

/* create_cq_in, query_cq_out: cqc at 16 */
#define EMU_CQC_AT	   16u
#define F_CREATE_CQ_OFFSET EMU_F(0x280, 64)
#define F_CREATE_CQ_UMEM   EMU_F(0x2c0, 32)
#define F_CQC_STATUS	   EMU_F(0x00, 4)
#define F_CQC_CQE_SZ	   EMU_F(0x08, 3)
#define F_CQC_CC	   EMU_F(0x0b, 1)
#define F_CQC_OI	   EMU_F(0x0e, 1)
#define F_CQC_PERIOD_MODE  EMU_F(0x0f, 2)
#define F_CQC_COMP_EN	   EMU_F(0x11, 1)
#define F_CQC_MINI_FORMAT  EMU_F(0x12, 2)
#define F_CQC_ST	   EMU_F(0x14, 4)
#define F_CQC_COMP_LAYOUT  EMU_F(0x18, 8) /* its low bits: cqe_compression_layout */
#define F_CQC_DBR_UMEM	   EMU_F(0x20, 32)
#define F_CQC_PAGE_OFFSET  EMU_F(0x54, 6)
#define F_CQC_MINI_EXT	   EMU_F(0x5c, 2)
#define F_CQC_TS_FORMAT	   EMU_F(0x5e, 2)
#define F_CQC_LOG_SIZE	   EMU_F(0x63, 5)
#define F_CQC_UAR_PAGE	   EMU_F(0x68, 24)
#define F_CQC_PERIOD	   EMU_F(0x84, 12)
#define F_CQC_MAX_COUNT	   EMU_F(0x90, 16)
#define F_CQC_EQN	   EMU_F(0xb8, 8)
#define F_CQC_CONSUMER	   EMU_F(0x148, 24)
#define F_CQC_PRODUCER	   EMU_F(0x168, 24)
#define F_CQC_DBR_ADDR	   EMU_F(0x1c0, 64)

/* tisc */
#define F_TISC_STRICT_LAG EMU_F(0x00, 1)
#define F_TISC_LAG_PORT	  EMU_F(0x04, 4)
#define F_TISC_PRIO	  EMU_F(0x0c, 4)
#define F_TISC_TD	  EMU_F(0x128, 24)
#define F_TISC_UNDERLAY	  EMU_F(0x148, 24)

/* tirc */
#define F_TIRC_DISP_TYPE EMU_F(0x20, 4)
#define F_TIRC_LRO	 EMU_F(0x84, 28) /* timeout, enable mask, message size */
#define F_TIRC_RQN	 EMU_F(0xe8, 24)
#define F_TIRC_SYMMETRIC EMU_F(0x100, 1)
#define F_TIRC_TUNNELED	 EMU_F(0x102, 1)
#define F_TIRC_RQT	 EMU_F(0x108, 24)
#define F_TIRC_HASH_FN	 EMU_F(0x120, 4)
#define F_TIRC_LB_BLOCK	 EMU_F(0x126, 2)
#define F_TIRC_TD	 EMU_F(0x128, 24)
#define EMU_TIRC_KEY_AT	 40u /* rx_hash_toeplitz_key, 40 bytes */
#define F_TIRC_OUTER	 EMU_F(0x280, 32)
#define F_TIRC_INNER	 EMU_F(0x2a0, 32)
/* rx_hash_field_select */
#define EMU_SEL_IPV6   (1u << 31)
#define EMU_SEL_UDP    (1u << 30)
#define EMU_SEL_SRC_IP 1u
#define EMU_SEL_DST_IP 2u
#define EMU_SEL_SPORT  4u
#define EMU_SEL_DPORT  8u
/* modify_tir_in.modify_bitmask: MLX5_MODIFY_TIR_BITMASK */
enum {
	EMU_TIR_MODIFY_LRO = 1,
	EMU_TIR_MODIFY_RQT = 2,
	EMU_TIR_MODIFY_HASH = 4,
	EMU_TIR_MODIFY_LB = 8
};

/* rqtc, its list of 32-bit words behind it */
#define F_RQTC_LIST_TYPE EMU_F(0xa5, 3)
#define F_RQTC_MAX	 EMU_F(0xb0, 16)
#define F_RQTC_ACTUAL	 EMU_F(0xd0, 16)

/* q counters */
#define F_COUNTER_SET	  EMU_F(0x58, 8) /* of alloc_q_counter_out */
#define F_QUERY_SET	  EMU_F(0xf8, 8) /* of query_q_counter_in */
#define F_QUERY_CLEAR	  EMU_F(0xc0, 1) /* and of query_flow_counter_in */
#define F_OUT_OF_BUFFER	  EMU_F(0x180, 32)
#define EMU_Q_COUNTER_OUT 256u

/* flow counters: alloc_flow_counter_in, query_flow_counter_in */
#define F_COUNTER_PD	   EMU_F(0x48, 24)
#define F_COUNTER_LOG_BULK EMU_F(0x73, 5)
#define F_COUNTER_BULK	   EMU_F(0x78, 8)
#define F_QUERY_MKEY	   EMU_F(0x60, 32)
#define F_QUERY_ADDRESS	   EMU_F(0x80, 64)
#define F_QUERY_DUMP	   EMU_F(0xc1, 1)
#define F_QUERY_COUNTERS   EMU_F(0xc2, 30)

/* parse_graph_flex, parse_graph_arc, parse_graph_flow_match_sample */
#define EMU_OBJ_FLEX_PARSE_GRAPH 0x22u /* MLX5_GENERAL_OBJ_TYPE_FLEX_PARSE_GRAPH */
#define F_FLEX_LENGTH		 EMU_F(0x60, 16)
#define F_FLEX_LENGTH_MODE	 EMU_F(0x7c, 4)
#define F_FLEX_NEXT_SIZE	 EMU_F(0xbb, 5)
#define F_ARC_INNER		 EMU_F(0x00, 1)
#define F_ARC_NODE		 EMU_F(0x08, 8)
#define F_ARC_VALUE		 EMU_F(0x10, 16)
#define F_SAMPLE_EN		 EMU_F(0x00, 1)
#define F_SAMPLE_MODE		 EMU_F(0x04, 4)
#define F_SAMPLE_BASE		 EMU_F(0x28, 8)
#define F_SAMPLE_TUNNEL		 EMU_F(0x3d, 3)
#define F_SAMPLE_ID		 EMU_F(0x60, 32)

/* create_mkey_in: mkc at 16 */
#define EMU_MKC_AT	   16u
#define F_MKEY_OCTWORDS	   EMU_F(0x300, 32)
#define F_MKEY_UMEM	   EMU_F(0x320, 32)
#define F_MKEY_UMEM_OFFSET EMU_F(0x340, 64)
#define F_MKC_FREE	   EMU_F(0x01, 1)
#define F_MKC_MODE_HIGH	   EMU_F(0x03, 3)
#define F_MKC_UMR_EN	   EMU_F(0x10, 1)
#define F_MKC_LW	   EMU_F(0x14, 1)
#define F_MKC_LR	   EMU_F(0x15, 1)
#define F_MKC_MODE_LOW	   EMU_F(0x16, 2)
#define F_MKC_QPN	   EMU_F(0x20, 24)
#define F_MKC_VARIANT	   EMU_F(0x38, 8)
#define F_MKC_LENGTH64	   EMU_F(0x60, 1)
#define F_MKC_BSF	   EMU_F(0x61, 1)
#define F_MKC_PD	   EMU_F(0x68, 24)
#define F_MKC_START	   EMU_F(0x80, 64)
#define F_MKC_LEN	   EMU_F(0xc0, 64)
#define F_MKC_OCTWORDS	   EMU_F(0x1a0, 32)
#define F_MKC_LOG_PAGE	   EMU_F(0x1db, 5)
#define F_MKC_CRYPTO	   EMU_F(0x1e3, 2)
#define F_KLM_LENGTH	   EMU_F(0x00, 32) /* klm: behind create_mkey_in */
#define F_KLM_KEY	   EMU_F(0x20, 32)
#define F_KLM_ADDRESS	   EMU_F(0x40, 64)
enum { EMU_MKEY_PA, EMU_MKEY_MTT, EMU_MKEY_KLM, EMU_MKEY_KSM };

#endif
